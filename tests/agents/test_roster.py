"""The roster: invitations, approval, restriction and capacity."""

from datetime import datetime

import pytest

from agents import presence, roster
from agents.errors import AgentError, CapacityInUse
from agents.models import Agent, AgentLanguage, AgentSkill
from tests.factories import make_agent, make_user, read_presence, use_places
from tests.refusals import refused_by

pytestmark = pytest.mark.django_db


def test_an_invited_agent_is_offline_and_not_approved() -> None:
    agent = roster.invite(
        make_user(), name="Amina", languages={"en": 5, "fr": 3}, skills={"cards": 4}, capacity=2
    )

    assert agent.status == Agent.Status.INVITED
    assert (read_presence(agent).status, read_presence(agent).capacity) == ("offline", 2)
    assert dict(agent.languages.values_list("language", "level")) == {"en": 5, "fr": 3}
    assert dict(agent.skills.values_list("skill", "level")) == {"cards": 4}


def test_an_approved_agent_can_go_available() -> None:
    agent = make_agent(approved=False, available=False)

    roster.approve(agent)

    assert list(Agent.objects.approved()) == [agent]


def test_a_restricted_agent_goes_offline_at_once(noon: datetime) -> None:
    agent = make_agent()

    roster.restrict(agent, at=noon)

    agent.refresh_from_db()
    assert (agent.status, read_presence(agent).status) == ("restricted", "offline")


def test_approving_lifts_a_restriction(noon: datetime) -> None:
    agent = make_agent()
    roster.restrict(agent, at=noon)

    roster.approve(agent)

    presence.go_available(agent, at=noon)
    assert read_presence(agent).status == "available"


def test_capacity_may_be_lowered_to_the_load() -> None:
    agent = make_agent(capacity=3)
    use_places(agent)

    roster.set_capacity(agent, capacity=1)

    assert read_presence(agent).capacity == 1


def test_lowering_capacity_below_the_load_is_refused() -> None:
    agent = make_agent(capacity=2)
    use_places(agent)
    use_places(agent)

    with pytest.raises(CapacityInUse):
        roster.set_capacity(agent, capacity=1)

    assert read_presence(agent).capacity == 2


@pytest.mark.parametrize("level", [0, 6])
def test_the_database_refuses_a_level_outside_one_to_five(level: int) -> None:
    agent = make_agent()

    with refused_by("skill_level_is_1_to_5"):
        AgentSkill.objects.create(agent=agent, skill="cards", level=level)
    with refused_by("language_level_is_1_to_5"):
        AgentLanguage.objects.create(agent=agent, language="fr", level=level)


def test_the_database_refuses_two_levels_of_one_skill_or_language() -> None:
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
