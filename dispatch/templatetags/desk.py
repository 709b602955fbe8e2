"""The desk's words, for its templates."""

from datetime import datetime, timedelta
from typing import Any

from django.template import Library
from django.utils.formats import localize
from django.utils.translation import gettext

from agents.pay.rates import Line, Quote
from dispatch import words
from dispatch.models import Assignment

register = Library()

register.filter("clock", words.clock)
register.filter("span", words.span)
register.filter("language_name", words.language)
register.filter("plain", words.plain)
register.filter("money", words.money)
register.filter("round_money", words.round_money)
register.filter("reasons", words.reasons)
register.filter("waited", words.waited)


@register.filter
def until(start: datetime, end: datetime) -> timedelta:
    """How long from the one to the other."""
    return end - start


@register.filter
def epoch_ms(moment: datetime) -> int:
    """An instant as scripts count: milliseconds since 1970."""
    return int(moment.timestamp() * 1000)


@register.filter
def moment(written: str) -> datetime:
    """An instant that was kept as text."""
    return datetime.fromisoformat(written)


@register.filter
def skill_names(codes: dict[str, int]) -> list[str]:
    """The names of the skills asked for."""
    return words.skills(codes)


@register.filter
def label(line: Line, quote: Quote) -> str:
    """What a part of the pay is for."""
    return words.pay_line(line, quote.minutes)


@register.filter
def fact(value: Any) -> str:
    """A fact from the bot: true and nothing in words, the rest as it is."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return gettext("Yes") if value else gettext("No")
    return str(value) if isinstance(value, str) else localize(value, use_l10n=False)


@register.filter
def pay_so_far(assignment: Assignment, at: datetime) -> int:
    """What the conversation pays if it ended now, in minor units."""
    return assignment.offer.quote.final(engaged=at - assignment.started_at)
