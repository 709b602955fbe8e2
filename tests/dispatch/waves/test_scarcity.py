"""How likely what agents can do is needed soon: counted from the newest tickets and who is free."""

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


def tickets(many: int, **asked: object) -> None:
    for _ in range(many):
        factories.make_ticket(**asked)


def test_it_is_counted_from_tickets_and_free_places() -> None:
    tickets(30, skills={"cards": 2})
    tickets(15, skills={"loans": 1})
    tickets(15)
    factories.make_agent(skills={"cards": 5}, capacity=3)
    factories.make_agent(skills={"cards": 1, "loans": 3})

    # Sixty in a quarter of an hour are eight in two minutes: four, two and two.
    assert scarcity.current(at=clock.now()) == {
        "en cards": rules.scarcity(4, 4),
        "en loans": rules.scarcity(2, 1),
        "en ": rules.scarcity(2, 4),
    }


def test_who_has_no_room_or_is_not_there_is_not_free() -> None:
    tickets(30, skills={"cards": 1})
    for change in ({"load": 1}, {"status": "away"}, {"status": "offline"}, {}):
        factories.make_agent(skills={"cards": 5})
        newest = Presence.objects.order_by("agent__created_at").last()
        Presence.objects.filter(pk=newest.pk).update(**change)

    assert scarcity.current(at=clock.now()) == {"en cards": rules.scarcity(4, 1)}


def test_tickets_of_long_ago_tell_what_is_asked_for_but_not_how_many_come() -> None:
    tickets(45, skills={"loans": 1})
    Ticket.objects.update(queued_at=clock.now() - timedelta(days=1))
    tickets(15, skills={"cards": 1})

    # Fifteen in a quarter of an hour are two in two minutes; a quarter of them ask for cards.
    assert scarcity.current(at=clock.now()) == {
        "en loans": rules.scarcity(1.5, 0),
        "en cards": rules.scarcity(0.5, 0),
    }


def test_where_more_come_than_are_looked_at_the_oldest_tells_how_fast(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(scarcity, "TICKETS", 6)
    tickets(8)
    Ticket.objects.update(queued_at=clock.now() - timedelta(minutes=2))

    assert scarcity.current(at=clock.now())["en "] == pytest.approx(rules.scarcity(6, 0), abs=1)


def test_nobody_ever_asked() -> None:
    assert scarcity.current(at=clock.now()) == {}


def test_it_is_counted_once_in_two_seconds_and_what_is_usual_once_in_ten(
    django_assert_num_queries,
) -> None:
    at = clock.now()

    with django_assert_num_queries(2):
        scarcity.current(at=at)
        scarcity.current(at=at)
    cache.delete(scarcity.KEY)
    with django_assert_num_queries(1):
        scarcity.current(at=at)


def test_no_wave_waits_for_the_counting(
    settings: Any, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
) -> None:
    settings.REALTIME_ENGINE = BACKGROUND
    asked = []
    monkeypatch.setattr(scarcity.COUNTING.job, "request", lambda: asked.append(True))
    at = clock.now()
    tickets(30, skills={"cards": 2})
    counted = scarcity.current(at=at)
    factories.make_agent(skills={"cards": 5}, capacity=3)

    with django_assert_num_queries(0):
        assert scarcity.current(at=at + scarcity.FRESH) == counted
        assert not asked
        assert scarcity.current(at=at + 2 * scarcity.FRESH) == counted
    assert asked
    scarcity.COUNTING.job.work()
    assert scarcity.current(at=clock.now()) != counted


def test_a_wave_keeps_it_with_its_decision() -> None:
    factories.make_card()
    tickets(14)
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
