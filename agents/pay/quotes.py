"""The pay of a ticket: pure arithmetic. No agent is an input, so equal work pays equally.

    unit  = per ticket + premiums of the required skills and language + per minute x minutes
    quote = max(round(unit(expected minutes)), least)
    final = max(quote, round(unit(engaged minutes)), least)

Engaged time runs from accepting to the end of wrap-up, in whole seconds rounded up. Amounts are
integers in minor units, rounded once, half up.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal
from math import ceil
from typing import Any, Self


@dataclass(frozen=True)
class Rates:
    """A rate card as plain values; premiums map a code to minor units a ticket."""

    card: int
    currency: str
    per_ticket: int
    per_minute: Decimal
    least: int = 0
    skills: Mapping[str, int] = field(default_factory=dict)
    languages: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class QuoteLine:
    """One part of the pay, in minor units. `kind` is ticket, skill, language, minutes or least."""

    kind: str
    amount: int
    code: str = ""


@dataclass(frozen=True)
class Quote:
    """The pay promised with an offer. The final pay is never lower."""

    card: int
    currency: str
    amount: int
    minutes: int
    per_minute: str
    lines: tuple[QuoteLine, ...]

    @property
    def hourly_pay(self) -> int:
        """The pay for an hour of such work, in minor units, if the ticket takes the expected
        time."""
        return self.amount * 60 // max(self.minutes, 1)

    def as_json(self) -> dict[str, Any]:
        # Written by hand, because `asdict` copies deeply and every offer calls this.
        lines = [{"kind": one.kind, "amount": one.amount, "code": one.code} for one in self.lines]
        return {
            "card": self.card,
            "currency": self.currency,
            "amount": self.amount,
            "minutes": self.minutes,
            "per_minute": self.per_minute,
            "lines": lines,
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        lines = tuple(QuoteLine(**line) for line in stored["lines"])
        return cls(**{**stored, "lines": lines})

    def fixed_pay(self) -> int:
        """The part that doesn't depend on time, in minor units."""
        return sum(
            line.amount for line in self.lines if line.kind in {"ticket", "skill", "language"}
        )

    def final_pay(self, *, engaged: timedelta) -> int:
        """The pay for the time actually taken, at least the promised amount. In minor units."""
        return max(self.amount, self.fixed_pay() + _pay_for_time(Decimal(self.per_minute), engaged))

    def time_pay(self, *, engaged: timedelta) -> int:
        """The pay for a conversation that ended with a lost connection: its minutes only, in minor
        units."""
        return _pay_for_time(Decimal(self.per_minute), engaged)


def make_quote(rates: Rates, *, skills: Collection[str], language: str, minutes: int) -> Quote:
    """Quote the pay for a ticket that requires these skills and this language."""
    lines = [QuoteLine("ticket", rates.per_ticket)]
    lines += [
        QuoteLine("skill", rates.skills[code], code) for code in skills if rates.skills.get(code)
    ]
    if premium := rates.languages.get(language):
        lines.append(QuoteLine("language", premium, language))
    lines.append(QuoteLine("minutes", _pay_for_time(rates.per_minute, timedelta(minutes=minutes))))
    if (missing := rates.least - sum(line.amount for line in lines)) > 0:
        lines.append(QuoteLine("least", missing))
    amount = sum(line.amount for line in lines)
    return Quote(rates.card, rates.currency, amount, minutes, str(rates.per_minute), tuple(lines))


def _pay_for_time(per_minute: Decimal, span: timedelta) -> int:
    seconds = max(ceil(span.total_seconds()), 0)
    return int((per_minute * seconds / 60).quantize(Decimal(1), rounding=ROUND_HALF_UP))
