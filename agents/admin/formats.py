"""Formats money and durations for people."""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal

from babel import Locale
from babel.dates import format_timedelta
from babel.numbers import format_currency, get_currency_precision
from django.utils.translation import get_language, gettext_lazy, to_locale
from django.utils.translation import gettext as _

from agents.pay.quotes import Quote, QuoteLine

#: Labels of the kinds of a pay line.
KINDS = {
    "ticket": gettext_lazy("per ticket"),
    "skill": gettext_lazy("skill"),
    "language": gettext_lazy("language"),
    "minutes": gettext_lazy("expected minutes"),
    "least": gettext_lazy("up to the least"),
}


def get_locale() -> Locale:
    return Locale.parse(to_locale(get_language() or "en"))


def format_money(amount: int | Decimal, currency: str) -> str:
    """Format minor units as money; fractions of a minor unit are kept."""
    major = Decimal(amount).scaleb(-get_currency_precision(currency))
    whole = Decimal(amount) == int(amount)
    return str(format_currency(major, currency, locale=get_locale(), decimal_quantization=whole))


def format_amounts(by_currency: Mapping[str, int]) -> str:
    """Format one amount for each currency."""
    return " · ".join(format_money(amount, code) for code, amount in by_currency.items())


def format_duration(span: timedelta) -> str:
    """Format a duration in its largest unit: "12 sec", "4 min"."""
    return str(format_timedelta(span, threshold=1.5, format="short", locale=get_locale()))


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
