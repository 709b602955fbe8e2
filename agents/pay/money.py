"""Money as people read it, in the active language. An amount counts minor units: 410 is €4.10."""

from decimal import Decimal

from babel import Locale
from babel.numbers import format_currency, get_currency_precision
from django.utils.translation import get_language, to_locale


def active_locale() -> Locale:
    """The locale of the active language."""
    return Locale.parse(to_locale(get_language() or "en"))


def format_money(amount: int | Decimal, currency: str) -> str:
    """410 EUR is "€4.10", or « 4,10 € ». Fractions of a minor unit are kept."""
    whole = Decimal(amount) == int(amount)
    return str(
        format_currency(
            _major(amount, currency), currency, locale=active_locale(), decimal_quantization=whole
        )
    )


def format_round_money(amount: int, currency: str) -> str:
    """Without cents, for what is only about right: "€27"."""
    locale = active_locale()
    pattern = locale.currency_formats["standard"].pattern.replace(".00", "")
    major = round(_major(amount, currency))
    return str(format_currency(major, currency, pattern, locale=locale, currency_digits=False))


def _major(amount: int | Decimal, currency: str) -> Decimal:
    return Decimal(amount).scaleb(-get_currency_precision(currency))
