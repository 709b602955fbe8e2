"""Presence: agents come, go and fall silent; dispatch reserves and releases their capacity."""

from collections import Counter
from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Greatest

from agents.errors import NotApproved
from agents.models import Agent, Presence, PresenceSpan
from agents.models.presence import SILENCE
from agents.signals import agent_available, agent_gone

RESERVE = """
WITH free AS (
    SELECT agent_id FROM agents_presence WHERE agent_id = ANY(%s) AND load < capacity
    ORDER BY agent_id FOR UPDATE SKIP LOCKED
)
UPDATE agents_presence p SET load = load + 1 FROM free WHERE p.agent_id = free.agent_id
RETURNING p.agent_id
"""

HERE = (Presence.Status.AVAILABLE, Presence.Status.AWAY)


@transaction.atomic
def go_available(agent: Agent, *, at: datetime) -> None:
    """The agent can be asked from now on. Raises NotApproved."""
    if not Agent.objects.approved().filter(pk=agent.pk).exists():
        raise NotApproved
    _move(agent, Presence.Status.AVAILABLE, at=at)
    agent_available.send(Agent, agent_ids=[agent.pk], at=at)


@transaction.atomic
def go_away(agent: Agent, *, at: datetime) -> None:
    """The agent takes a break: no new offers, the conversations they hold go on."""
    _move(agent, Presence.Status.AWAY, at=at)


@transaction.atomic
def go_offline(agent: Agent, *, at: datetime) -> None:
    """The agent leaves; whatever they hold is given to somebody else."""
    if _move(agent, Presence.Status.OFFLINE, at=at):
        agent_gone.send(Agent, agent_ids=[agent.pk], at=at)


def seen(agent_ids: Collection[UUID], *, at: datetime) -> int:
    """Note that these agents' pages are alive. Never brings back one who was found gone."""
    return Presence.objects.filter(agent_id__in=agent_ids, status__in=HERE).update(seen_at=at)


def sweep_silent(*, at: datetime, limit: int = 100) -> int:
    """Take offline those not heard from for SILENCE; returns how many."""
    silent = Presence.objects.filter(status__in=HERE, seen_at__lte=at - SILENCE)
    gone = 0
    for agent in Agent.objects.filter(presence__in=silent).order_by("presence__seen_at")[:limit]:
        with transaction.atomic():
            if _is_silent(agent, at=at):
                go_offline(agent, at=at)
                gone += 1
    return gone


def reserve(agent_ids: Collection[UUID]) -> set[UUID]:
    """Hold one place of each agent's capacity; returns those who had one left.

    Whoever somebody else reserves or releases at this very moment counts as full: nobody waits.
    """
    with connection.cursor() as cursor:
        cursor.execute(RESERVE, [list(agent_ids)])
        return {agent_id for (agent_id,) in cursor.fetchall()}


def release(agent_ids: Collection[UUID], *, at: datetime, worked: bool) -> None:
    """Give a place back for each time an agent is named.

    Whoever worked is idle from now on; the others keep their place in line.
    """
    if len(agent_ids) > 1:
        # In one order, so that two who free the same agents never wait for each other.
        list(Presence.objects.filter(agent_id__in=agent_ids).order_by("pk").select_for_update())
    changes = {"idle_since": at} if worked else {}
    for places, named in _by_count(agent_ids):
        Presence.objects.filter(agent_id__in=named).update(
            load=Greatest(F("load") - places, 0), **changes
        )
    agent_available.send(Agent, agent_ids=agent_ids, at=at)


def _by_count(agent_ids: Collection[UUID]) -> list[tuple[int, list[UUID]]]:
    """Agents by how often they are named; nearly always once."""
    counted = Counter(agent_ids)
    return [
        (count, sorted(agent for agent, times in counted.items() if times == count))
        for count in sorted(set(counted.values()))
    ]


def _is_silent(agent: Agent, *, at: datetime) -> bool:
    """Decided with the row locked: a beat may have come in meanwhile."""
    held = Presence.objects.select_for_update().get(agent=agent)
    return held.status in HERE and (held.seen_at is None or held.seen_at <= at - SILENCE)


def _move(agent: Agent, status: Presence.Status, *, at: datetime) -> bool:
    """Change the status and the history; False when it was so already."""
    held = Presence.objects.select_for_update().get(agent=agent)
    Presence.objects.filter(agent=agent).update(seen_at=at)
    if held.status == status:
        return False
    Presence.objects.filter(agent=agent).update(status=status, since=at, idle_since=at)
    PresenceSpan.objects.filter(agent=agent, ended_at=None).update(ended_at=at)
    if status != Presence.Status.OFFLINE:
        PresenceSpan.objects.create(agent=agent, status=status, started_at=at)
    return True
