"""The fair-pay formula: pure arithmetic."""

import dataclasses
import inspect
import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.pay import quotes
from agents.pay.quotes import Quote, QuoteLine, Rates


def make_rates(**given: Any) -> Rates:
    defaults = {"card": 1, "currency": "EUR", "per_ticket": 150, "per_minute": Decimal("30")}
    return Rates(**{**defaults, **given})


def make_quote(
    card: Rates | None = None, *, skills: tuple[str, ...] = (), language: str = "en", minutes: int
) -> Quote:
    return quotes.make_quote(
        card or make_rates(), skills=skills, language=language, minutes=minutes
    )


def test_a_quote_is_the_ticket_rate_plus_the_expected_minutes() -> None:
    quote = make_quote(minutes=8)

    assert quote.amount == 150 + 8 * 30
    assert quote.lines == (QuoteLine("ticket", 150), QuoteLine("minutes", 240))


def test_each_required_skill_adds_its_premium() -> None:
    card = make_rates(skills={"cards": 40, "loans": 60, "fraud": 99})

    quote = make_quote(card, skills=("cards", "loans"), minutes=1)

    assert quote.amount == 150 + 40 + 60 + 30


def test_a_skill_without_a_premium_adds_no_line() -> None:
    quote = make_quote(skills=("cards",), minutes=1)

    assert [line.kind for line in quote.lines] == ["ticket", "minutes"]


def test_a_language_adds_its_premium() -> None:
    card = make_rates(languages={"nl": 25})

    assert make_quote(card, language="nl", minutes=1).amount == 150 + 25 + 30
    assert make_quote(card, language="fr", minutes=1).amount == 150 + 30


def test_a_quote_below_the_least_is_raised_with_a_line_of_its_own() -> None:
    quote = make_quote(make_rates(least=300), minutes=1)

    assert quote.amount == 300
    assert quote.lines[-1] == QuoteLine("least", 120)


def test_the_lines_of_a_quote_sum_to_its_amount() -> None:
    card = make_rates(least=999, skills={"cards": 40}, languages={"en": 5})

    quote = make_quote(card, skills=("cards",), minutes=3)

    assert sum(line.amount for line in quote.lines) == quote.amount == 999


@pytest.mark.parametrize(
    ("per_minute", "minutes", "amount"),
    [("0.5", 1, 1), ("0.4999", 1, 0), ("2.5", 1, 3), ("1.5", 1, 2), ("0.1", 25, 3)],
)
def test_half_a_cent_is_rounded_up(per_minute: str, minutes: int, amount: int) -> None:
    card = make_rates(per_ticket=0, per_minute=Decimal(per_minute))

    assert make_quote(card, minutes=minutes).amount == amount


def test_a_longer_conversation_is_paid_by_its_real_time() -> None:
    quote = make_quote(minutes=8)

    assert quote.final_pay(engaged=timedelta(minutes=10)) == 150 + 10 * 30


def test_a_short_conversation_is_paid_as_promised() -> None:
    quote = make_quote(minutes=8)

    assert quote.final_pay(engaged=timedelta(seconds=1)) == quote.amount


def test_a_started_second_is_paid_in_full() -> None:
    quote = make_quote(make_rates(per_ticket=0, per_minute=Decimal(60)), minutes=0)

    assert quote.final_pay(engaged=timedelta(seconds=10)) == 10
    assert quote.final_pay(engaged=timedelta(seconds=10, microseconds=1)) == 11


def test_premiums_are_part_of_the_final_pay() -> None:
    card = make_rates(skills={"cards": 40}, languages={"nl": 25})
    quote = make_quote(card, skills=("cards",), language="nl", minutes=1)

    assert quote.final_pay(engaged=timedelta(minutes=2)) == 150 + 40 + 25 + 60


def test_the_top_up_to_the_least_is_not_added_to_real_minutes() -> None:
    quote = make_quote(make_rates(least=300), minutes=1)

    assert quote.final_pay(engaged=timedelta(minutes=4)) == 300
    assert quote.final_pay(engaged=timedelta(minutes=6)) == 150 + 6 * 30


def test_a_lost_connection_is_paid_by_its_minutes_alone() -> None:
    quote = make_quote(minutes=8)

    assert quote.time_pay(engaged=timedelta(minutes=3)) == 90


def test_negative_time_pays_the_promise_and_no_minutes() -> None:
    quote = make_quote(minutes=8)

    assert quote.final_pay(engaged=timedelta(seconds=-5)) == quote.amount
    assert quote.time_pay(engaged=timedelta(seconds=-5)) == 0


def test_the_hourly_figure_is_the_quote_divided_by_its_expected_minutes() -> None:
    assert make_quote(minutes=10).hourly_pay == (150 + 300) * 6
    assert make_quote(minutes=0).hourly_pay == 150 * 60


def test_a_quote_has_no_parameter_about_a_person() -> None:
    assert set(inspect.signature(quotes.make_quote).parameters) == {
        "rates",
        "skills",
        "language",
        "minutes",
    }
    assert {one.name for one in dataclasses.fields(Rates)} == {
        "card",
        "currency",
        "per_ticket",
        "per_minute",
        "least",
        "skills",
        "languages",
    }


cents = st.integers(0, 100_000)
any_rates = st.builds(
    make_rates,
    per_ticket=cents,
    per_minute=st.decimals(0, 10_000, places=4, allow_nan=False, allow_infinity=False),
    least=cents,
    skills=st.dictionaries(st.sampled_from(["a", "b"]), cents),
    languages=st.dictionaries(st.sampled_from(["en", "fr"]), cents),
)
any_quote = st.builds(
    quotes.make_quote,
    any_rates,
    skills=st.lists(st.sampled_from(["a", "b"]), unique=True),
    language=st.sampled_from(["en", "fr", "nl"]),
    minutes=st.integers(0, 600),
)
any_span = st.timedeltas(timedelta(0), timedelta(hours=12))


@settings(max_examples=200)
@given(any_quote, any_span)
def test_the_final_pay_is_never_below_the_promise(quote: Quote, engaged: timedelta) -> None:
    assert quote.final_pay(engaged=engaged) >= quote.amount


@settings(max_examples=100)
@given(any_quote, any_span, any_span)
def test_more_time_never_pays_less(quote: Quote, one: timedelta, other: timedelta) -> None:
    shorter, longer = sorted([one, other])

    assert quote.final_pay(engaged=shorter) <= quote.final_pay(engaged=longer)


@settings(max_examples=100)
@given(any_quote)
def test_taking_the_expected_time_pays_the_promise(quote: Quote) -> None:
    assert quote.final_pay(engaged=timedelta(minutes=quote.minutes)) == quote.amount


@settings(max_examples=100)
@given(any_quote)
def test_a_quote_is_equal_after_storing_and_loading(quote: Quote) -> None:
    assert Quote.from_json(json.loads(json.dumps(quote.as_json()))) == quote
