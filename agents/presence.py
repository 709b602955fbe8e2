"""Presence: agents come, go and fall silent; dispatch reserves and releases their capacity."""

from collections import Counter
from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Case, F, Q, Value, When
from django.db.models.functions import Greatest

from agents.errors import NotApproved
from agents.models import Agent, Presence, PresenceSpan
from agents.models.presence import SILENCE
from agents.signals import agent_available, agent_gone

HERE = (Presence.Status.AVAILABLE, Presence.Status.AWAY)
MOST_TIMEOUTS = 3
# With an array it is the same statement however many they are, and so planned once.
SEEN = """
UPDATE agents_presence SET seen_at = %(at)s
WHERE agent_id = ANY(%(agents)s::uuid[]) AND status = ANY(%(here)s::text[])
"""


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
    with connection.cursor() as cursor:
        cursor.execute(SEEN, {"agents": list(agent_ids), "here": list(HERE), "at": at})
        return int(cursor.rowcount)


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


def answered(agent_ids: Collection[UUID]) -> None:
    """An agent who answers an offer is there: no time-out before it counts."""
    there = Presence.objects.filter(agent_id__in=agent_ids, timeouts_in_row__gt=0)
    there.update(timeouts_in_row=0)


def take_on(agent: Agent, *, at: datetime) -> None:
    """The agent took a conversation: it counts towards their share of today's work."""
    today = Q(worked_on=at.date())
    count = Case(When(today, then=F("worked_today") + 1), default=Value(1))
    Presence.objects.filter(agent=agent).update(
        worked_today=count, worked_on=at.date(), timeouts_in_row=0
    )


def time_out(agent_ids: Collection[UUID], *, at: datetime) -> list[UUID]:
    """An offer on their screen was not answered. The third in a row pauses them: one tap brings
    them back, and nothing is kept of it (fair work O6). Returns who is paused."""
    paused = []
    for agent_id in sorted(set(agent_ids)):
        with transaction.atomic():
            held = Presence.objects.select_for_update().get(agent=agent_id)
            Presence.objects.filter(pk=held.pk).update(timeouts_in_row=F("timeouts_in_row") + 1)
            available = held.status == Presence.Status.AVAILABLE
            if available and held.timeouts_in_row + 1 >= MOST_TIMEOUTS:
                _move(held.agent, Presence.Status.AWAY, at=at, paused=True, seen_at=held.seen_at)
                paused.append(agent_id)
    return paused


def hold(agent_ids: Collection[UUID]) -> None:
    """Lock these agents' rows, in one order, so that two who want the same never wait for each
    other."""
    list(Presence.objects.filter(agent_id__in=agent_ids).order_by("pk").select_for_update())


def release(agent_ids: Collection[UUID], *, at: datetime, worked: bool) -> None:
    """Give a place back for each time an agent is named.

    Whoever worked is idle from now on; the others keep their place in line.
    """
    if len(agent_ids) > 1:
        hold(agent_ids)
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


def _move(agent: Agent, status: Presence.Status, *, at: datetime, **also: Any) -> bool:
    """Change the status and the history; False when it was so already. They do so themselves, and
    so are seen, unless `also` says otherwise."""
    held = Presence.objects.select_for_update().get(agent=agent)
    changes = {"seen_at": at, "timeouts_in_row": 0, "paused": False, **also}
    Presence.objects.filter(agent=agent).update(**changes)
    if held.status == status:
        return False
    Presence.objects.filter(agent=agent).update(status=status, since=at, idle_since=at)
    PresenceSpan.objects.filter(agent=agent, ended_at=None).update(ended_at=at)
    if status != Presence.Status.OFFLINE:
        PresenceSpan.objects.create(agent=agent, status=status, started_at=at)
    return True


def set_auto_accept(agent: Agent, *, on: bool, limit: int) -> None:
    """Whether offers are accepted for this agent as soon as their screen shows them, and how many
    an hour at most. Off unless the agent says so (fair work O11)."""
    Presence.objects.filter(agent=agent).update(auto_accept=on, auto_accept_limit=limit)
