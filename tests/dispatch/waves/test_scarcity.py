"""Scarcity, counted from the newest tickets and the free agents."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache

from agents.models import Presence
from config.settings import REALTIME_ENGINE as BACKGROUND
from dispatch.explanations import replay
from dispatch.models import Decision
from dispatch.rules import policy as rules
from dispatch.waves import scarcity, wave
from dispatch.waves.snapshot import WaveSnapshot
from tests import factories
from tickets import clock
from tickets.models import Ticket

pytestmark = pytest.mark.django_db


def make_tickets(many: int, **requirements: object) -> None:
    for _ in range(many):
        factories.make_ticket(**requirements)


def test_scarcity_is_counted_from_tickets_and_free_capacity() -> None:
    make_tickets(30, skills={"cards": 2})
    make_tickets(15, skills={"loans": 1})
    make_tickets(15)
    factories.make_agent(skills={"cards": 5}, capacity=3)
    factories.make_agent(skills={"cards": 1, "loans": 3})

    # Sixty in a quarter of an hour are eight in two minutes: four, two and two.
    assert scarcity.get_current(at=clock.now()) == {
        "en cards": rules.scarcity(4, 4),
        "en loans": rules.scarcity(2, 1),
        "en ": rules.scarcity(2, 4),
    }


def test_full_and_absent_agents_do_not_count_as_free() -> None:
    make_tickets(30, skills={"cards": 1})
    for change in ({"load": 1}, {"status": "away"}, {"status": "offline"}, {}):
        factories.make_agent(skills={"cards": 5})
        newest = Presence.objects.order_by("agent__created_at").last()
        Presence.objects.filter(pk=newest.pk).update(**change)

    assert scarcity.get_current(at=clock.now()) == {"en cards": rules.scarcity(4, 1)}


def test_old_tickets_count_for_demand_but_not_for_the_rate() -> None:
    make_tickets(45, skills={"loans": 1})
    Ticket.objects.update(queued_at=clock.now() - timedelta(days=1))
    make_tickets(15, skills={"cards": 1})

    # Fifteen in a quarter of an hour are two in two minutes; a quarter of them require cards.
    assert scarcity.get_current(at=clock.now()) == {
        "en loans": rules.scarcity(1.5, 0),
        "en cards": rules.scarcity(0.5, 0),
    }


def test_rate_uses_the_oldest_ticket_read_if_there_are_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(scarcity, "TICKETS", 6)
    make_tickets(8)
    Ticket.objects.update(queued_at=clock.now() - timedelta(minutes=2))

    assert scarcity.get_current(at=clock.now())["en "] == pytest.approx(rules.scarcity(6, 0), abs=1)


def test_scarcity_without_tickets_is_empty() -> None:
    assert scarcity.get_current(at=clock.now()) == {}


def test_scarcity_is_counted_every_two_seconds_and_demand_every_ten(
    django_assert_num_queries,
) -> None:
    at = clock.now()

    with django_assert_num_queries(2):
        scarcity.get_current(at=at)
        scarcity.get_current(at=at)
    cache.delete(scarcity.KEY)
    with django_assert_num_queries(1):
        scarcity.get_current(at=at)


def test_wave_does_not_wait_for_the_count(
    settings: Any, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
) -> None:
    settings.REALTIME_ENGINE = BACKGROUND
    requested = []
    monkeypatch.setattr(scarcity.COUNTING.job, "request", lambda: requested.append(True))
    at = clock.now()
    make_tickets(30, skills={"cards": 2})
    counted = scarcity.get_current(at=at)
    factories.make_agent(skills={"cards": 5}, capacity=3)

    with django_assert_num_queries(0):
        assert scarcity.get_current(at=at + scarcity.FRESH) == counted
        assert not requested
        assert scarcity.get_current(at=at + 2 * scarcity.FRESH) == counted
    assert requested
    scarcity.COUNTING.job.work()
    assert scarcity.get_current(at=clock.now()) != counted


def test_decision_stores_the_scarcity() -> None:
    factories.make_card()
    make_tickets(14)
    factories.make_ticket(skills={"loans": 1})
    factories.make_agent(skills={"loans": 4})
    factories.make_agent()

    wave.run(at=clock.now())

    decision = Decision.objects.get()
    kept = WaveSnapshot.from_json(decision.decompress())
    language = rules.scarcity(14 / 15 * 2, 2)
    assert sorted(sum(one.agent_input.scarcity.values()) for one in kept.free) == [
        language,
        language + rules.scarcity(1 / 15 * 2, 1),
    ]
    assert replay.replay(decision).is_same
