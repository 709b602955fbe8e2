"""Presence: who can be asked, who fell silent, how much each holds."""

from datetime import datetime, timedelta

import pytest
from django.db.models import QuerySet

from agents import presence, roster
from agents.errors import NotApproved
from agents.models import FreeAgentEntry, Presence, PresenceSpan
from agents.models.presence import SILENCE
from tests.factories import fill, make_agent, presence_of
from tests.refusals import refused_by

pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)


def free(*, at: datetime) -> QuerySet[Presence]:
    """Those a wave may choose: with an entry among the free, and heard of lately."""
    entries = FreeAgentEntry.objects.values("agent")
    return Presence.objects.filter(agent__in=entries, seen_at__gt=at - SILENCE)


def test_an_agent_who_comes_can_be_asked(noon: datetime) -> None:
    agent = make_agent(available=False, approved=True)

    presence.go_available(agent, at=noon)

    held = presence_of(agent)
    assert (held.status, held.since, held.seen_at, held.idle_since) == (
        "available",
        noon,
        noon,
        noon,
    )
    assert list(free(at=noon)) == [held]


def test_an_agent_not_yet_approved_can_not_be_asked(noon: datetime) -> None:
    agent = make_agent(available=False, approved=False)

    with pytest.raises(NotApproved):
        presence.go_available(agent, at=noon)

    assert presence_of(agent).status == "offline"


def test_a_restricted_agent_can_not_come_back(noon: datetime) -> None:
    agent = make_agent(at=noon)
    roster.restrict(agent, at=noon)

    with pytest.raises(NotApproved):
        presence.go_available(agent, at=noon)


def test_an_agent_on_a_break_is_not_free(noon: datetime) -> None:
    agent = make_agent(at=noon)

    presence.go_away(agent, at=noon + SECOND)

    assert presence_of(agent).status == "away"
    assert not free(at=noon + SECOND).exists()


def test_each_stretch_of_presence_is_kept(noon: datetime) -> None:
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


def test_coming_twice_starts_no_second_stretch_and_keeps_the_place_in_line(noon: datetime) -> None:
    agent = make_agent(at=noon)

    presence.go_available(agent, at=noon + SECOND)

    held = presence_of(agent)
    assert (held.idle_since, held.seen_at) == (noon, noon + SECOND)
    assert PresenceSpan.objects.count() == 1


def test_leaving_twice_is_leaving_once(noon: datetime) -> None:
    agent = make_agent(at=noon)
    presence.go_offline(agent, at=noon + SECOND)

    presence.go_offline(agent, at=noon + 2 * SECOND)

    assert presence_of(agent).since == noon + SECOND


def test_a_heartbeat_renews_whoever_is_here(noon: datetime) -> None:
    here, away = make_agent(at=noon), make_agent(at=noon)
    presence.go_away(away, at=noon)

    renewed = presence.seen([here.pk, away.pk], at=noon + SECOND)

    assert renewed == 2
    assert presence_of(away).seen_at == noon + SECOND


def test_a_heartbeat_brings_nobody_back(noon: datetime) -> None:
    gone = make_agent(at=noon)
    presence.go_offline(gone, at=noon)

    assert presence.seen([gone.pk], at=noon + SECOND) == 0
    assert presence_of(gone).status == "offline"


def test_whoever_is_silent_for_too_long_is_gone(noon: datetime) -> None:
    silent, heard = make_agent(at=noon), make_agent(at=noon + SECOND)

    swept = presence.sweep_silent(at=noon + SILENCE)

    assert swept == 1
    assert presence_of(silent).status == "offline"
    assert presence_of(heard).status == "available"


def test_whoever_is_silent_on_a_break_is_gone_too(noon: datetime) -> None:
    agent = make_agent(at=noon)
    presence.go_away(agent, at=noon)

    assert presence.sweep_silent(at=noon + SILENCE) == 1


def test_the_silent_are_not_free_even_before_they_are_swept(noon: datetime) -> None:
    make_agent(at=noon)

    assert not free(at=noon + SILENCE).exists()


def test_whoever_went_offline_is_not_swept_again(noon: datetime) -> None:
    make_agent(at=noon)
    presence.sweep_silent(at=noon + SILENCE)

    assert presence.sweep_silent(at=noon + 2 * SILENCE) == 0


def test_a_place_is_held_until_it_is_given_back(noon: datetime) -> None:
    agent = make_agent(capacity=2, at=noon)

    fill(agent)
    fill(agent)

    assert presence_of(agent).load == 2
    assert not free(at=noon).exists()


def test_whoever_starts_available_stands_in_line() -> None:
    agent = make_agent(languages={"en": 5, "fr": 2}, available=False)
    Presence.objects.filter(agent=agent).delete()

    Presence.objects.create(agent=agent, status="available")

    lines = FreeAgentEntry.objects.filter(agent=agent).order_by("language")
    assert list(lines.values_list("language", flat=True)) == ["en", "fr"]


def test_whoever_only_declined_keeps_their_place_in_line(noon: datetime) -> None:
    agent = make_agent(at=noon)
    fill(agent)

    presence.release([agent.pk], at=noon + SECOND, worked=False)

    held = presence_of(agent)
    assert (held.load, held.idle_since) == (0, noon)


def test_whoever_worked_goes_to_the_end_of_the_line(noon: datetime) -> None:
    agent = make_agent(at=noon)
    fill(agent)

    presence.release([agent.pk], at=noon + SECOND, worked=True)

    held = presence_of(agent)
    assert (held.load, held.idle_since) == (0, noon + SECOND)


def test_an_agent_named_twice_gives_back_two_places(noon: datetime) -> None:
    twice, once = make_agent(capacity=2), make_agent(capacity=2)
    for agent in (twice, twice, once, once):
        fill(agent)

    presence.release([twice.pk, once.pk, twice.pk], at=noon, worked=False)

    assert (presence_of(twice).load, presence_of(once).load) == (0, 1)


def test_giving_back_too_much_leaves_nothing_owed(noon: datetime) -> None:
    agent = make_agent()

    presence.release([agent.pk], at=noon, worked=False)

    assert presence_of(agent).load == 0


def test_the_database_refuses_more_than_the_capacity() -> None:
    agent = make_agent(capacity=1)

    with refused_by("load_is_within_capacity"):
        Presence.objects.filter(agent=agent).update(load=2)


def test_the_database_refuses_two_presences_at_once(noon: datetime) -> None:
    agent = make_agent(at=noon)

    with refused_by("one_open_span_per_agent"):
        PresenceSpan.objects.create(agent=agent, status="away", started_at=noon)
