"""Lowering of required levels, by the client's promise."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from dispatch import policies, wording
from dispatch.models import PolicyVersion
from dispatch.rules.policy import Policy, lower_levels
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


def lower_after(ticket: Ticket, seconds: float) -> int:
    """Lower levels as the scheduler does this many seconds after the ticket was queued."""
    return wave.lower_levels(at=ticket.queued_at + seconds * SECOND)


def test_levels_are_lowered_step_by_step_and_never_below_one() -> None:
    required = {"cards": 3, "loans": 1}

    assert [lower_levels(required, steps) for steps in range(4)] == [
        {"cards": 3, "loans": 1},
        {"cards": 2, "loans": 1},
        {"cards": 1, "loans": 1},
        {"cards": 1, "loans": 1},
    ]


def test_only_an_skill_that_gives_way_is_dropped_and_only_at_the_last_step() -> None:
    required = {"cards": 3, "loans": 1}

    found = [Policy().lower_skills(required, steps, gives_way=["loans"]) for steps in range(4)]

    assert found == [
        {"cards": 3, "loans": 1},
        {"cards": 2, "loans": 1},
        {"cards": 1},
        {"cards": 1},
    ]


def test_policy_without_lowering_drops_no_skill() -> None:
    kept = replace(Policy(), lower_levels_at=())

    assert kept.lower_skills({"cards": 3}, 0, gives_way=["cards"]) == {"cards": 3}
    assert kept.lowering_waits(30 * SECOND) == []


def test_lowering_times_are_multiples_of_the_clients_promise() -> None:
    assert Policy().lowering_waits(40 * SECOND) == [40 * SECOND, 80 * SECOND]


def test_next_wave_finds_more_agents_after_levels_are_lowered() -> None:
    queued_at = clock.now()
    ticket = factories.make_ticket(at=queued_at, skills={"cards": 4})
    factories.make_agent(skills={"cards": 2})

    def seen_after(seconds: float) -> tuple[int, str]:
        lower_after(ticket, seconds)
        ticket.refresh_from_db()
        return ticket.times_lowered, ticket.lane

    assert seen_after(29.9) == (0, "en/1 cards:4")
    assert seen_after(30) == (1, "en/1 cards:3")
    assert run_wave() == 0
    assert seen_after(60) == (2, "en/1 cards:2")
    assert ticket.lower_at is None
    assert seen_after(900) == (2, "en/1 cards:2")
    assert ticket.skills == {"cards": 4}
    assert run_wave() == 1


def test_longer_promise_lowers_levels_later() -> None:
    patient = factories.make_client("patient", answer_within=timedelta(minutes=2))
    ticket = factories.make_ticket(patient, skills={"cards": 4})

    assert [lower_after(ticket, seconds) for seconds in (60, 119, 120, 121, 240)] == [0, 0, 1, 0, 1]


def test_late_scheduler_lowers_a_ticket_by_both_steps_at_once() -> None:
    ticket = factories.make_ticket(skills={"cards": 4})

    assert lower_after(ticket, 61) == 1
    ticket.refresh_from_db()
    assert (ticket.times_lowered, ticket.lane) == (2, "en/1 cards:2")


def test_skill_required_at_level_one_is_never_lowered() -> None:
    ticket = factories.make_ticket(skills={"cards": 1})
    factories.make_agent(skills={})

    assert ticket.lower_at is None
    assert lower_after(ticket, 900) == 0
    assert run_wave() == 0


def test_skill_that_gives_way_is_dropped_at_the_last_step_and_an_agent_accepts() -> None:
    needs = [
        {"code": "cards", "level": 2, "gives_way": True},
        {"code": "loans", "level": 3},
    ]
    ticket = factories.make_ticket(at=clock.now() - 65 * SECOND, skills=needs)
    agent = factories.make_agent(skills={"loans": 1})
    assert ticket.gives_way == ["cards"]
    assert run_wave() == 0

    lower_after(ticket, 59)
    assert Ticket.objects.get().lane == "en/1 cards:1 loans:2"
    lower_after(ticket, 60)

    assert Ticket.objects.get().lane == "en/1 loans:1"
    assert run_wave() == 1
    offer = agent.offers.get()
    assert offer.reasons["lowered"] == {"cards": [2, 0], "loans": [3, 1]}
    assert list(wording.list_reasons(offer))[1:4] == [
        "you know Loans",
        "Cards was asked for at level 2; after 1 min it is no longer asked for",
        "Loans was asked for at level 3; after 1 min level 1 is enough",
    ]


def test_offer_made_before_lowering_does_not_mention_it() -> None:
    factories.make_ticket(skills={"cards": 2})
    agent = factories.make_agent(skills={"cards": 2})

    assert run_wave() == 1
    assert agent.offers.get().reasons["lowered"] == {}


def test_known_skill_is_paid_even_if_no_longer_required() -> None:
    client = factories.make_client("bank")
    factories.make_card(client, skills={"cards": 50, "loans": 60})
    needs = [{"code": code, "level": 2, "gives_way": True} for code in ("cards", "loans")]
    ticket = factories.make_ticket(client, at=clock.now() - 65 * SECOND, skills=needs)
    agent = factories.make_agent(skills={"cards": 1})

    lower_after(ticket, 60)

    assert Ticket.objects.get().lane == "en/1"
    assert run_wave() == 1
    lines = agent.offers.get().pay["lines"]
    assert [line["code"] for line in lines if line["kind"] == "skill"] == ["cards"]


def test_ticket_without_skills_is_not_checked() -> None:
    ticket = factories.make_ticket()

    assert ticket.lower_at is None
    assert lower_after(ticket, 130) == 0


def test_lowered_ticket_still_requires_the_clients_certificate() -> None:
    client: Client = factories.make_client("bank", certificate="kyc")
    ticket = factories.make_ticket(client, skills={"cards": 4})

    lower_after(ticket, 31)

    assert Ticket.objects.get().lane == "en/1 cards:3 +kyc"


def test_lowered_ticket_is_not_raised_by_a_policy_that_lowers_later() -> None:
    ticket = factories.make_ticket(at=clock.now() - 31 * SECOND, skills={"cards": 4})
    lower_after(ticket, 30)
    draft = PolicyVersion(note="Later.", lower_levels_at=[300, 400], valid_from=clock.now())
    policies.publish(draft, at=clock.now() - policies.NOTICE)

    lower_after(ticket, 60)

    found = Ticket.objects.get()
    assert (found.times_lowered, found.lane) == (1, "en/1 cards:3")
    assert found.lower_at == ticket.queued_at + 120 * SECOND


def test_lowering_takes_two_statements_for_any_number_of_tickets() -> None:
    tickets = [factories.make_ticket(skills={"cards": 4}) for _ in range(3)]

    with CaptureQueriesContext(connection) as captured:
        assert lower_after(tickets[-1], 31) == 3

    reads = [query["sql"] for query in captured if query["sql"].startswith(("SELECT", "UPDATE"))]
    assert len([sql for sql in reads if "tickets_ticket" in sql]) == 2


def test_published_version_lowers_tickets_that_took_all_steps_of_the_last_one() -> None:
    at = clock.now()
    ticket = factories.make_ticket(skills={"cards": 5}, at=at - 70 * SECOND)
    publish(lower_levels_at=[], at=at - 60 * SECOND)
    wave.lower_levels(at=at)
    ticket.refresh_from_db()
    assert (ticket.times_lowered, ticket.lower_at) == (0, None)

    made = publish(lower_levels_at=[100, 200], at=at)
    wave.lower_levels(at=at)
    assert Ticket.objects.get().times_lowered == 0
    wave.lower_levels(at=made.valid_from)

    assert Ticket.objects.get().lane == "en/1 cards:3"


def test_step_before_a_version_comes_into_force_does_not_lose_its_check() -> None:
    at = clock.now()
    ticket = factories.make_ticket(skills={"cards": 5}, at=at - 20 * SECOND)
    publish(lower_levels_at=[100], at=at - 60 * SECOND)
    made = publish(lower_levels_at=[100, 150], at=at, valid_from=at + 60 * SECOND)

    wave.lower_levels(at=at + 11 * SECOND)

    ticket.refresh_from_db()
    assert (ticket.times_lowered, ticket.lower_at) == (1, made.valid_from)


def publish(*, at: datetime, **given: Any) -> PolicyVersion:
    """Publish a version that differs from the default in what is given."""
    return policies.publish(PolicyVersion(note="Another.", **given), at=at)
