"""Presence: availability, heartbeats, silence, and the load of each agent."""

from datetime import datetime, timedelta

import pytest
from django.db.models import QuerySet

from agents import presence, roster
from agents.errors import NotApproved
from agents.models import FreeAgentEntry, Presence, PresenceSpan
from agents.models.presence import SILENCE
from tests.factories import make_agent, read_presence, use_places
from tests.refusals import refused_by

pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)


def free(*, at: datetime) -> QuerySet[Presence]:
    """Agents whom a wave may choose: listed as free, and heard from lately."""
    entries = FreeAgentEntry.objects.values("agent")
    return Presence.objects.filter(agent__in=entries, seen_at__gt=at - SILENCE)


def test_an_agent_who_goes_available_can_get_an_offer(noon: datetime) -> None:
    agent = make_agent(available=False, approved=True)

    presence.go_available(agent, at=noon)

    held = read_presence(agent)
    assert (held.status, held.since, held.seen_at, held.idle_since) == (
        "available",
        noon,
        noon,
        noon,
    )
    assert list(free(at=noon)) == [held]


def test_an_agent_not_yet_approved_cannot_go_available(noon: datetime) -> None:
    agent = make_agent(available=False, approved=False)

    with pytest.raises(NotApproved):
        presence.go_available(agent, at=noon)

    assert read_presence(agent).status == "offline"


def test_a_restricted_agent_cannot_go_available(noon: datetime) -> None:
    agent = make_agent(at=noon)
    roster.restrict(agent, at=noon)

    with pytest.raises(NotApproved):
        presence.go_available(agent, at=noon)


def test_an_agent_on_a_break_is_not_free(noon: datetime) -> None:
    agent = make_agent(at=noon)

    presence.go_away(agent, at=noon + SECOND)

    assert read_presence(agent).status == "away"
    assert not free(at=noon + SECOND).exists()


def test_each_change_of_presence_keeps_a_span(noon: datetime) -> None:
    agent = make_agent(at=noon)

    presence.go_away(agent, at=noon + SECOND)
    presence.go_available(agent, at=noon + 2 * SECOND)
    presence.go_offline(agent, at=noon + 3 * SECOND)

    spans = PresenceSpan.objects.order_by("started_at")
    assert list(spans.values_list("status", "started_at", "ended_at")) == [
        ("available", noon, noon + SECOND),
        ("away", noon + SECOND, noon + 2 * SECOND),
        ("available", noon + 2 * SECOND, noon + 3 * SECOND),
    ]


def test_going_available_twice_keeps_the_span_and_the_idle_time(noon: datetime) -> None:
    agent = make_agent(at=noon)

    presence.go_available(agent, at=noon + SECOND)

    held = read_presence(agent)
    assert (held.idle_since, held.seen_at) == (noon, noon + SECOND)
    assert PresenceSpan.objects.count() == 1


def test_going_offline_twice_keeps_the_first_time(noon: datetime) -> None:
    agent = make_agent(at=noon)
    presence.go_offline(agent, at=noon + SECOND)

    presence.go_offline(agent, at=noon + 2 * SECOND)

    assert read_presence(agent).since == noon + SECOND


def test_a_heartbeat_renews_agents_who_are_online(noon: datetime) -> None:
    here, away = make_agent(at=noon), make_agent(at=noon)
    presence.go_away(away, at=noon)

    renewed = presence.record_heartbeats([here.pk, away.pk], at=noon + SECOND)

    assert renewed == 2
    assert read_presence(away).seen_at == noon + SECOND


def test_a_heartbeat_leaves_an_offline_agent_offline(noon: datetime) -> None:
    gone = make_agent(at=noon)
    presence.go_offline(gone, at=noon)

    assert presence.record_heartbeats([gone.pk], at=noon + SECOND) == 0
    assert read_presence(gone).status == "offline"


def test_an_agent_silent_for_too_long_goes_offline(noon: datetime) -> None:
    silent, heard = make_agent(at=noon), make_agent(at=noon + SECOND)

    swept = presence.sweep_silent(at=noon + SILENCE)

    assert swept == 1
    assert read_presence(silent).status == "offline"
    assert read_presence(heard).status == "available"


def test_an_agent_silent_on_a_break_goes_offline(noon: datetime) -> None:
    agent = make_agent(at=noon)
    presence.go_away(agent, at=noon)

    assert presence.sweep_silent(at=noon + SILENCE) == 1


def test_a_silent_agent_is_not_free_before_the_sweep(noon: datetime) -> None:
    make_agent(at=noon)

    assert not free(at=noon + SILENCE).exists()


def test_the_sweep_leaves_an_offline_agent_alone(noon: datetime) -> None:
    make_agent(at=noon)
    presence.sweep_silent(at=noon + SILENCE)

    assert presence.sweep_silent(at=noon + 2 * SILENCE) == 0


def test_a_reserved_place_counts_until_its_release(noon: datetime) -> None:
    agent = make_agent(capacity=2, at=noon)

    use_places(agent)
    use_places(agent)

    assert read_presence(agent).load == 2
    assert not free(at=noon).exists()


def test_a_new_available_agent_has_an_idle_time() -> None:
    agent = make_agent(languages={"en": 5, "fr": 2}, available=False)
    Presence.objects.filter(agent=agent).delete()

    Presence.objects.create(agent=agent, status="available")

    lines = FreeAgentEntry.objects.filter(agent=agent).order_by("language")
    assert list(lines.values_list("language", flat=True)) == ["en", "fr"]


def test_an_agent_who_declined_keeps_their_idle_time(noon: datetime) -> None:
    agent = make_agent(at=noon)
    use_places(agent)

    presence.release_capacity([agent.pk], at=noon + SECOND, worked=False)

    held = read_presence(agent)
    assert (held.load, held.idle_since) == (0, noon)


def test_an_agent_who_worked_is_idle_from_the_release(noon: datetime) -> None:
    agent = make_agent(at=noon)
    use_places(agent)

    presence.release_capacity([agent.pk], at=noon + SECOND, worked=True)

    held = read_presence(agent)
    assert (held.load, held.idle_since) == (0, noon + SECOND)


def test_releasing_an_agent_twice_frees_two_places(noon: datetime) -> None:
    twice, once = make_agent(capacity=2), make_agent(capacity=2)
    for agent in (twice, twice, once, once):
        use_places(agent)

    presence.release_capacity([twice.pk, once.pk, twice.pk], at=noon, worked=False)

    assert (read_presence(twice).load, read_presence(once).load) == (0, 1)


def test_releasing_too_much_leaves_a_load_of_zero(noon: datetime) -> None:
    agent = make_agent()

    presence.release_capacity([agent.pk], at=noon, worked=False)

    assert read_presence(agent).load == 0


def test_the_database_refuses_a_load_above_the_capacity() -> None:
    agent = make_agent(capacity=1)

    with refused_by("load_is_within_capacity"):
        Presence.objects.filter(agent=agent).update(load=2)


def test_the_database_refuses_two_open_presence_spans(noon: datetime) -> None:
    agent = make_agent(at=noon)

    with refused_by("one_open_span_per_agent"):
        PresenceSpan.objects.create(agent=agent, status="away", started_at=noon)
