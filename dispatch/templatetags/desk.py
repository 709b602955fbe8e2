"""Template filters of the agent's pages."""

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
def duration_to(start: datetime, end: datetime) -> timedelta:
    """The time from `start` to `end`."""
    return end - start


@register.filter
def epoch_ms(moment: datetime) -> int:
    """The Unix time in milliseconds, as JavaScript counts it."""
    return int(moment.timestamp() * 1000)


@register.filter
def moment(written: str) -> datetime:
    """The instant stored as ISO 8601 text."""
    return datetime.fromisoformat(written)


@register.filter
def skill_names(codes: dict[str, int]) -> list[str]:
    """The names of the required skills."""
    return wording.skills(codes)


@register.filter
def label(line: QuoteLine, quote: Quote) -> str:
    """The label of a line of the pay quote."""
    return wording.pay_line(line, quote.minutes)


@register.filter
def fact(value: Any) -> str:
    """A fact from the bot: True, False and None in words, any other value unchanged."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return gettext("Yes") if value else gettext("No")
    return str(value) if isinstance(value, str) else localize(value, use_l10n=False)


@register.filter
def pay_so_far(assignment: Assignment, at: datetime) -> int:
    """The pay if the conversation ended now, in minor units."""
    return assignment.offer.quote.final_pay(engaged=at - assignment.started_at)
