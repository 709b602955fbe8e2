"""The rows that triggers write: abilities, their history, and the index of free agents."""

from datetime import datetime, timedelta

import pytest

from agents.models import Agent, FreeAgentEntry, Presence
from tests.factories import make_agent, read_presence, use_places

pytestmark = pytest.mark.django_db


def read_history(agent: Agent) -> list[tuple[list[str], int]]:
    return list(agent.ability_spans.order_by("id").values_list("abilities", "capacity"))


def read_free_languages(agent: Agent) -> list[str]:
    rows = FreeAgentEntry.objects.filter(agent=agent).order_by("language")
    return list(rows.values_list("language", flat=True))


def test_abilities_follow_languages_skills_and_certificates() -> None:
    agent = make_agent(languages={"en": 2}, skills={"cards": 1})
    agent.certificates.create(code="kyc")
    agent.skills.update(level=2)

    assert read_presence(agent).abilities == ["+kyc", "cards:1", "cards:2", "en/1", "en/2"]

    agent.certificates.update(lapsed=True)
    agent.skills.all().delete()

    assert read_presence(agent).abilities == ["en/1", "en/2"]


def test_a_skill_that_moves_to_another_agent_leaves_the_first() -> None:
    first = make_agent(languages={"en": 1}, skills={"cards": 1})
    second = make_agent(languages={"en": 1})

    first.skills.update(agent=second)

    assert read_presence(first).abilities == ["en/1"]
    assert read_presence(second).abilities == ["cards:1", "en/1"]


def test_the_history_of_a_new_presence_ends_with_what_the_agent_can_do() -> None:
    agent = make_agent(languages={"en": 1}, available=False)
    Presence.objects.filter(agent=agent).delete()
    agent.ability_spans.all().delete()

    Presence.objects.create(agent=agent, capacity=2)

    assert read_history(agent)[-1] == (["en/1"], 2)


def test_a_change_of_abilities_or_capacity_adds_to_the_history() -> None:
    agent = make_agent(languages={"en": 1}, capacity=1)
    before = len(read_history(agent))

    agent.languages.create(language="fr", level=1)
    Presence.objects.filter(agent=agent).update(capacity=3)

    assert read_history(agent)[before:] == [(["en/1", "fr/1"], 1), (["en/1", "fr/1"], 3)]


def test_a_heartbeat_adds_nothing_to_the_history(noon: datetime) -> None:
    agent = make_agent()
    before = read_history(agent)

    Presence.objects.filter(agent=agent).update(seen_at=noon, capacity=1)

    assert read_history(agent) == before


def test_an_agent_without_room_is_not_in_the_index_of_free_agents() -> None:
    agent = make_agent(languages={"en": 5, "fr": 1}, capacity=1)
    assert read_free_languages(agent) == ["en", "fr"]

    use_places(agent)

    assert read_free_languages(agent) == []


def test_the_index_of_free_agents_follows_languages_and_idle_time(noon: datetime) -> None:
    agent = make_agent(languages={"en": 5}, at=noon)

    agent.languages.create(language="fr", level=1)
    Presence.objects.filter(agent=agent).update(idle_since=noon + timedelta(seconds=9))

    assert read_free_languages(agent) == ["en", "fr"]
    rows = FreeAgentEntry.objects.filter(agent=agent, idle_since=noon + timedelta(seconds=9))
    assert rows.count() == 2
