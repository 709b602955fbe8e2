"""The desk's words, for its templates."""

from datetime import datetime, timedelta
from typing import Any

from django.template import Library
from django.utils.formats import localize
from django.utils.translation import gettext

from agents.pay import money
from agents.pay.quotes import Quote, QuoteLine
from dispatch import wording
from dispatch.models import Assignment

register = Library()

register.filter("clock", wording.clock)
register.filter("span", wording.span)
register.filter("language_name", wording.language)
register.filter("plain", wording.plain)
register.filter("money", money.format_money)
register.filter("round_money", money.format_round_money)
register.filter("reasons", wording.reasons)
register.filter("waited", wording.waited)


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
    return wording.skills(codes)


@register.filter
def label(line: QuoteLine, quote: Quote) -> str:
    """What a part of the pay is for."""
    return wording.pay_line(line, quote.minutes)


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
