"""How rare and wanted what agents can do is: counted from tickets and from who was here."""

from datetime import timedelta

import pytest
from django.core.cache import cache

from agents.models import Presence
from dispatch import rarity, waves
from dispatch.glance import Glance
from dispatch.models import Decision
from tests import factories
from tickets import clock

pytestmark = pytest.mark.django_db


def test_it_is_counted_from_the_tickets_and_from_who_was_here() -> None:
    factories.make_ticket(skills={"cards": 2})
    factories.make_ticket(skills={"loans": 1})
    factories.make_agent(skills={"cards": 5})
    factories.make_agent(skills={"cards": 1, "loans": 3})

    # All speak English and know cards; half the tickets ask for loans, which one of two can't do.
    assert rarity.now(at=clock.now()) == {"loans": 250}


def test_whoever_was_not_here_for_a_day_does_not_count() -> None:
    factories.make_ticket(skills={"cards": 1})
    factories.make_agent(skills={"cards": 5})
    factories.make_agent()
    gone = Presence.objects.order_by("pk").last()
    Presence.objects.filter(pk=gone.pk).update(seen_at=clock.now() - timedelta(days=2))

    assert rarity.now(at=clock.now()) == {}


def test_it_is_counted_once_a_minute(django_assert_num_queries) -> None:
    at = clock.now()
    cache.delete(rarity.KEY)

    with django_assert_num_queries(2):
        rarity.now(at=at)
        rarity.now(at=at)


def test_a_wave_keeps_it_with_its_decision() -> None:
    factories.make_card()
    factories.make_ticket()
    factories.make_ticket(skills={"loans": 1})
    factories.make_agent(skills={"loans": 4})
    factories.make_agent()

    waves.run(at=clock.now())

    kept = Glance.of(Decision.objects.get().words())
    assert sorted(sum(one.able.rarity.values()) for one in kept.free) == [0, 250]


def test_a_decision_of_before_it_counted_is_read_as_it_was() -> None:
    assert Glance.of(b"[[],[]]") == Glance([], [], b"[[],[]]")
