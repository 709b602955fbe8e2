"""Less is asked for as a customer waits, and the next wave finds more who can help."""

from datetime import timedelta

import pytest

from dispatch import wording
from dispatch.rules.policy import lower_levels
from dispatch.waves import wave
from tests import factories
from tickets import clock
from tickets.models import Client, Ticket

pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)


@pytest.fixture(autouse=True)
def _card() -> None:
    factories.make_card()


def run_wave() -> int:
    return wave.run(at=clock.now())


def test_levels_are_lowered_step_by_step_until_a_skill_is_not_asked_for() -> None:
    asked = {"cards": 3, "loans": 1}

    assert [lower_levels(asked, steps, least=0) for steps in range(5)] == [
        {"cards": 3, "loans": 1},
        {"cards": 2},
        {"cards": 1},
        {},
        {},
    ]


def test_levels_are_not_lowered_below_the_least() -> None:
    asked = {"cards": 4, "loans": 1}

    assert [lower_levels(asked, steps, least=2) for steps in range(4)] == [
        {"cards": 4, "loans": 1},
        {"cards": 3, "loans": 1},
        {"cards": 2, "loans": 1},
        {"cards": 2, "loans": 1},
    ]


def test_levels_are_lowered_as_a_customer_waits_and_the_next_wave_finds_more() -> None:
    queued_at = clock.now()
    ticket = factories.make_ticket(at=queued_at, skills={"cards": 4})
    factories.make_agent(skills={"cards": 2})

    def seen_after(seconds: int) -> tuple[int, str]:
        wave.relax(at=queued_at + seconds * SECOND)
        ticket.refresh_from_db()
        return ticket.relaxed, ticket.lane

    assert seen_after(9) == (0, "en/1 cards:4")
    assert seen_after(10) == (1, "en/1 cards:3")
    assert run_wave() == 0
    assert seen_after(12) == (2, "en/1 cards:2")
    assert seen_after(900) == (2, "en/1 cards:2")
    assert ticket.skills == {"cards": 4}
    assert run_wave() == 1


def test_in_the_end_a_skill_hardly_asked_for_is_let_go_and_somebody_answers() -> None:
    factories.make_ticket(at=clock.now() - 13 * SECOND, skills={"cards": 2, "loans": 3})
    agent = factories.make_agent(skills={"loans": 1})
    assert run_wave() == 0

    wave.relax(at=clock.now())

    assert Ticket.objects.get().lane == "en/1 loans:1"
    assert run_wave() == 1
    offer = agent.offers.get()
    assert offer.reasons["without"] == ["cards"]
    assert list(wording.why(offer))[1:3] == [
        "you know Loans",
        "nobody who knows Cards took it in time",
    ]


def test_skills_that_are_known_are_paid_for_whether_still_asked_for_or_not() -> None:
    client = factories.make_client("bank")
    factories.make_card(client, skills={"cards": 50, "loans": 60})
    factories.make_ticket(client, at=clock.now() - 13 * SECOND, skills={"cards": 2, "loans": 1})
    agent = factories.make_agent(skills={"cards": 1})

    wave.relax(at=clock.now())

    assert Ticket.objects.get().lane == "en/1"
    assert run_wave() == 1
    lines = agent.offers.get().pay["lines"]
    assert [line["code"] for line in lines if line["kind"] == "skill"] == ["cards"]


def test_a_ticket_that_asks_for_nothing_is_not_said_to_be_relaxed() -> None:
    ticket = factories.make_ticket(at=clock.now() - 130 * SECOND)

    assert wave.relax(at=clock.now()) == 0
    assert Ticket.objects.get(pk=ticket.pk).relaxed == 0


def test_a_lowered_ticket_still_asks_for_the_clients_certificate() -> None:
    client: Client = factories.make_client("bank", certificate="kyc")
    factories.make_ticket(client, at=clock.now() - 11 * SECOND, skills={"cards": 4})

    wave.relax(at=clock.now())

    assert Ticket.objects.get().lane == "en/1 cards:3 +kyc"
