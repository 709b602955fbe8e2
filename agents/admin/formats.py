"""Pay and durations as people read them."""

from collections.abc import Mapping
from datetime import timedelta

from babel.dates import format_timedelta
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from agents.pay.money import active_locale, format_money
from agents.pay.quotes import Quote, QuoteLine

#: What the kinds of a pay line are called.
KINDS = {
    "ticket": gettext_lazy("per ticket"),
    "skill": gettext_lazy("skill"),
    "language": gettext_lazy("language"),
    "minutes": gettext_lazy("expected minutes"),
    "least": gettext_lazy("up to the least"),
}


def amounts(by_currency: Mapping[str, int]) -> str:
    """One sum for each currency."""
    return " · ".join(format_money(amount, code) for code, amount in by_currency.items())


def lasting(span: timedelta) -> str:
    """A duration in its largest unit: "12 sec", "4 min"."""
    return str(format_timedelta(span, threshold=1.5, format="short", locale=active_locale()))


def hours(span: timedelta) -> str:
    """A working time: "2 h 10"."""
    minutes = int(span.total_seconds()) // 60
    return _("%(hours)d h %(minutes)02d") % {"hours": minutes // 60, "minutes": minutes % 60}


def promise(quote: Quote) -> str:
    """The pay of an offer in a line."""
    return _("%(amount)s for about %(minutes)d min") % {
        "amount": format_money(quote.amount, quote.currency),
        "minutes": quote.minutes,
    }


def broken_down(quote: Quote) -> list[str]:
    """How the pay of an offer is made up, part by part."""
    return [paired(named(line), format_money(line.amount, quote.currency)) for line in quote.lines]


def paired(name: str, value: str) -> str:
    """A name and what stands for it, with the colon of the language."""
    return _("%(name)s: %(value)s") % {"name": name, "value": value}


def named(line: QuoteLine) -> str:
    kind = str(KINDS.get(line.kind, line.kind))
    return f"{kind} {line.code}" if line.code else kind
