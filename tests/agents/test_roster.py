"""The roster: who may work, and what they are known to be able to do."""

from datetime import datetime

import pytest

from agents import presence, roster
from agents.errors import AgentError, CapacityInUse
from agents.models import Agent, AgentLanguage, AgentSkill
from tests.factories import fill, make_agent, make_user, presence_of
from tests.refusals import refused_by

pytestmark = pytest.mark.django_db


def test_an_invited_agent_is_not_yet_approved_and_offline() -> None:
    agent = roster.invite(
        make_user(), name="Amina", languages={"en": 5, "fr": 3}, skills={"cards": 4}, capacity=2
    )

    assert agent.status == Agent.Status.INVITED
    assert (presence_of(agent).status, presence_of(agent).capacity) == ("offline", 2)
    assert dict(agent.languages.values_list("language", "level")) == {"en": 5, "fr": 3}
    assert dict(agent.skills.values_list("skill", "level")) == {"cards": 4}


def test_an_approved_agent_may_work() -> None:
    agent = make_agent(approved=False, available=False)

    roster.approve(agent)

    assert list(Agent.objects.approved()) == [agent]


def test_a_restricted_agent_goes_offline_at_once(noon: datetime) -> None:
    agent = make_agent()

    roster.restrict(agent, at=noon)

    agent.refresh_from_db()
    assert (agent.status, presence_of(agent).status) == ("restricted", "offline")


def test_approving_lifts_a_restriction(noon: datetime) -> None:
    agent = make_agent()
    roster.restrict(agent, at=noon)

    roster.approve(agent)

    presence.go_available(agent, at=noon)
    assert presence_of(agent).status == "available"


def test_capacity_may_be_lowered_to_what_is_held() -> None:
    agent = make_agent(capacity=3)
    fill(agent)

    roster.set_capacity(agent, capacity=1)

    assert presence_of(agent).capacity == 1


def test_capacity_is_not_lowered_below_what_is_held() -> None:
    agent = make_agent(capacity=2)
    fill(agent)
    fill(agent)

    with pytest.raises(CapacityInUse):
        roster.set_capacity(agent, capacity=1)

    assert presence_of(agent).capacity == 2


@pytest.mark.parametrize("level", [0, 6])
def test_the_database_refuses_a_level_outside_one_to_five(level: int) -> None:
    agent = make_agent()

    with refused_by("skill_level_is_1_to_5"):
        AgentSkill.objects.create(agent=agent, skill="cards", level=level)
    with refused_by("language_level_is_1_to_5"):
        AgentLanguage.objects.create(agent=agent, language="fr", level=level)


def test_the_database_refuses_two_levels_of_one_thing() -> None:
    agent = make_agent(languages={"en": 5}, skills={"cards": 4})

    with refused_by("one_level_per_agent_and_skill"):
        AgentSkill.objects.create(agent=agent, skill="cards", level=5)
    with refused_by("one_level_per_agent_and_language"):
        AgentLanguage.objects.create(agent=agent, language="en", level=4)


def test_a_refusal_explains_itself() -> None:
    assert str(CapacityInUse()) == (
        "This agent holds more conversations than that now; lower the limit when some have ended."
    )
    assert str(CapacityInUse("Two are held.")) == "Two are held."
    assert issubclass(CapacityInUse, AgentError)
