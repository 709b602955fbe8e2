"""Rate cards: which card is in force."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from agents.pay import rate_cards
from tests.factories import make_card
from tests.refusals import refused_by

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def read_in_force(at: datetime) -> int | None:
    found = rate_cards.read_in_force(["nordbank"], at=at).get("nordbank")
    return found[0].card if found else None


def test_the_newest_started_card_is_in_force(noon: datetime) -> None:
    make_card("nordbank", valid_from=noon - 2 * DAY)
    newer = make_card("nordbank", valid_from=noon - DAY)
    make_card("nordbank", valid_from=noon + DAY)

    assert read_in_force(noon) == newer.pk


def test_a_card_is_in_force_from_its_start_and_not_at_its_end(noon: datetime) -> None:
    card = make_card("nordbank", valid_from=noon, valid_to=noon + DAY)

    assert read_in_force(noon - timedelta(microseconds=1)) is None
    assert read_in_force(noon) == card.pk
    assert read_in_force(noon + DAY) is None


def test_a_client_without_a_card_is_left_out(noon: datetime) -> None:
    make_card("other", valid_from=noon)

    assert read_in_force(noon) is None


def test_a_card_in_force_is_returned_as_plain_values(noon: datetime) -> None:
    make_card(
        "nordbank",
        valid_from=noon,
        per_minute="12.3456",
        least=99,
        expected_minutes=5,
        skills={"cards": 40},
        languages={"nl": 25},
    )

    rates, minutes = rate_cards.read_in_force(["nordbank"], at=noon)["nordbank"]

    assert minutes == 5
    assert (rates.per_ticket, rates.per_minute, rates.least) == (150, Decimal("12.3456"), 99)
    assert (rates.skills, rates.languages) == ({"cards": 40}, {"nl": 25})


def test_the_database_refuses_an_invalid_card(noon: datetime) -> None:
    make_card("nordbank", valid_from=noon, skills={"cards": 1})

    with refused_by("one_card_per_start"):
        make_card("nordbank", valid_from=noon)
    with refused_by("per_minute_is_not_negative"):
        make_card("nordbank", valid_from=noon + DAY, per_minute="-0.1")
    with refused_by("card_ends_after_it_starts"):
        make_card("nordbank", valid_from=noon + DAY, valid_to=noon + DAY)


def test_the_database_refuses_two_premiums_for_one_code(noon: datetime) -> None:
    card = make_card("nordbank", valid_from=noon, skills={"cards": 1})

    with refused_by("one_premium_per_code"):
        card.premiums.create(kind="skill", code="cards", per_ticket=2)
