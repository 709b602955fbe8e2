"""Formats money and durations for people."""

from collections.abc import Mapping
from datetime import timedelta

from babel.dates import format_timedelta
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from agents.pay.money import active_locale, format_money
from agents.pay.quotes import Quote, QuoteLine

#: Labels of the kinds of a pay line.
KINDS = {
    "ticket": gettext_lazy("per ticket"),
    "skill": gettext_lazy("skill"),
    "language": gettext_lazy("language"),
    "minutes": gettext_lazy("expected minutes"),
    "least": gettext_lazy("up to the least"),
}


def format_amounts(by_currency: Mapping[str, int]) -> str:
    """Format one amount for each currency."""
    return " · ".join(format_money(amount, code) for code, amount in by_currency.items())


def format_duration(span: timedelta) -> str:
    """Format a duration in its largest unit: "12 sec", "4 min"."""
    return str(format_timedelta(span, threshold=1.5, format="short", locale=active_locale()))


def format_hours(span: timedelta) -> str:
    """Format a working time: "2 h 10"."""
    minutes = int(span.total_seconds()) // 60
    return _("%(hours)d h %(minutes)02d") % {"hours": minutes // 60, "minutes": minutes % 60}


def format_promise(quote: Quote) -> str:
    """Format the pay of an offer in one line."""
    return _("%(amount)s for about %(minutes)d min") % {
        "amount": format_money(quote.amount, quote.currency),
        "minutes": quote.minutes,
    }


def list_pay_parts(quote: Quote) -> list[str]:
    """List the parts that make up the pay of an offer."""
    return [
        join_label(name_line(line), format_money(line.amount, quote.currency))
        for line in quote.lines
    ]


def join_label(name: str, value: str) -> str:
    """Join a label and its value with the colon of the language."""
    return _("%(name)s: %(value)s") % {"name": name, "value": value}


def name_line(line: QuoteLine) -> str:
    kind = str(KINDS.get(line.kind, line.kind))
    return f"{kind} {line.code}" if line.code else kind
