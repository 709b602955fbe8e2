"""The roster: invitations, approval, restriction, certificates and capacity."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction

from agents import presence
from agents.errors import CapacityInUse
from agents.models import Agent, AgentCertificate, AgentLanguage, AgentSkill, Presence

if TYPE_CHECKING:
    from agents.models import User


@transaction.atomic
def invite(
    user: "User",
    *,
    name: str,
    languages: Mapping[str, int],
    skills: Mapping[str, int],
    capacity: int = 1,
    **given: str,
) -> Agent:
    """Make this login an agent who is not yet approved. `given`: country, time_zone, currency."""
    agent = Agent.objects.create(user=user, name=name, **given)
    Presence.objects.create(agent=agent, capacity=capacity)
    AgentLanguage.objects.bulk_create(
        AgentLanguage(agent=agent, language=code, level=level) for code, level in languages.items()
    )
    AgentSkill.objects.bulk_create(
        AgentSkill(agent=agent, skill=code, level=level) for code, level in skills.items()
    )
    return agent


def approve(agent: Agent) -> None:
    """Approve the agent for work. This also lifts a restriction."""
    Agent.objects.filter(pk=agent.pk).update(status=Agent.Status.APPROVED)


@transaction.atomic
def restrict(agent: Agent, *, at: datetime) -> None:
    """Take the agent offline and bar them from work; their conversations return to the queue."""
    Agent.objects.filter(pk=agent.pk).update(status=Agent.Status.RESTRICTED)
    presence.go_offline(agent, at=at)


def lapse_certificates(*, at: datetime, limit: int = 200) -> int:
    """Mark certificates past their last day as lapsed; returns how many."""
    over = AgentCertificate.objects.filter(lapsed=False, valid_until__lt=at.date())
    ids = list(over.order_by("valid_until").values_list("pk", flat=True)[:limit])
    return AgentCertificate.objects.filter(pk__in=ids).update(lapsed=True) if ids else 0


def set_capacity(agent: Agent, *, capacity: int) -> None:
    """Set how many conversations this agent takes at once. Raises CapacityInUse."""
    changed = Presence.objects.filter(agent=agent, load__lte=capacity).update(capacity=capacity)
    if not changed:
        raise CapacityInUse
