"""Money is written in minor units and read in the reader's language."""

from decimal import Decimal

import pytest
from django.utils import translation

from agents.pay.money import format_money, format_round_money


@pytest.mark.parametrize(
    ("language", "amount", "currency", "written"),
    [
        ("en", 410, "EUR", "€4.10"),
        ("fr", 410, "EUR", "4,10\u00a0€"),
        ("en", 410, "JPY", "¥410"),
        ("en", Decimal("30.5"), "EUR", "€0.305"),
    ],
)
def test_minor_units_are_written_as_money(
    language: str, amount: int | Decimal, currency: str, written: str
) -> None:
    with translation.override(language):
        assert format_money(amount, currency) == written


@pytest.mark.parametrize(("language", "written"), [("en", "€27"), ("fr", "27\u00a0€")])
def test_round_money_has_no_cents(language: str, written: str) -> None:
    with translation.override(language):
        assert format_round_money(2749, "EUR") == written
