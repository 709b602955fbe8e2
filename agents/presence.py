"""Presence: agents come, leave and fall silent; dispatch reserves and releases their capacity."""

from collections import Counter
from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Case, F, Q, Value, When
from django.db.models.functions import Greatest

from agents import sql
from agents.errors import NotApproved
from agents.models import Agent, Presence, PresenceSpan
from agents.models.presence import SILENCE
from agents.signals import agent_available, agent_gone

ONLINE = (Presence.Status.AVAILABLE, Presence.Status.AWAY)
MAX_TIMEOUTS = 3
RENEW_SQL = sql.read(__package__, "renew_presence")


@transaction.atomic
def go_available(agent: Agent, *, at: datetime) -> None:
    """Make the agent available for offers. Raises NotApproved."""
    if not Agent.objects.approved().filter(pk=agent.pk).exists():
        raise NotApproved
    _set_status(agent, Presence.Status.AVAILABLE, at=at)
    agent_available.send(Agent, agent_ids=[agent.pk], at=at)


@transaction.atomic
def go_away(agent: Agent, *, at: datetime) -> None:
    """Start a break: the agent gets no new offers and keeps their conversations."""
    _set_status(agent, Presence.Status.AWAY, at=at)


@transaction.atomic
def go_offline(agent: Agent, *, at: datetime) -> None:
    """Take the agent offline; their conversations return to the queue."""
    if _set_status(agent, Presence.Status.OFFLINE, at=at):
        agent_gone.send(Agent, agent_ids=[agent.pk], at=at)


def record_heartbeats(agent_ids: Collection[UUID], *, at: datetime) -> int:
    """Record a heartbeat of these agents' pages. An agent already offline stays offline."""
    with connection.cursor() as cursor:
        cursor.execute(RENEW_SQL, {"agents": list(agent_ids), "here": list(ONLINE), "at": at})
        return int(cursor.rowcount)


def sweep_silent(*, at: datetime, limit: int = 100) -> int:
    """Take agents offline who sent no heartbeat for SILENCE; returns how many."""
    silent = Presence.objects.filter(status__in=ONLINE, seen_at__lte=at - SILENCE)
    gone = 0
    for agent in Agent.objects.filter(presence__in=silent).order_by("presence__seen_at")[:limit]:
        with transaction.atomic():
            if _is_silent(agent, at=at):
                go_offline(agent, at=at)
                gone += 1
    return gone


def reset_timeouts(agent_ids: Collection[UUID]) -> None:
    """Reset the time-outs of agents who answered an offer, even with a no: they are at their
    desk."""
    there = Presence.objects.filter(agent_id__in=agent_ids, timeouts_in_row__gt=0)
    there.update(timeouts_in_row=0)


def count_accepted(agent: Agent, *, at: datetime) -> None:
    """Count an accepted conversation towards the agent's share of today's work."""
    today = Q(worked_on=at.date())
    count = Case(When(today, then=F("worked_today") + 1), default=Value(1))
    Presence.objects.filter(agent=agent).update(
        worked_today=count, worked_on=at.date(), timeouts_in_row=0
    )


def record_timeouts(agent_ids: Collection[UUID], *, at: datetime) -> list[UUID]:
    """Count an unanswered offer for each agent and pause agents at the third in a row. One click
    ends the pause, and no record is kept. Returns the paused agents."""
    paused = []
    for agent_id in sorted(set(agent_ids)):
        with transaction.atomic():
            held = Presence.objects.select_for_update().get(agent=agent_id)
            Presence.objects.filter(pk=held.pk).update(timeouts_in_row=F("timeouts_in_row") + 1)
            available = held.status == Presence.Status.AVAILABLE
            if available and held.timeouts_in_row + 1 >= MAX_TIMEOUTS:
                _set_status(
                    held.agent, Presence.Status.AWAY, at=at, paused=True, seen_at=held.seen_at
                )
                paused.append(agent_id)
    return paused


def lock_presences(agent_ids: Collection[UUID]) -> None:
    """Lock these agents' rows in a fixed order, because two transactions with different orders
    would deadlock."""
    list(Presence.objects.filter(agent_id__in=agent_ids).order_by("pk").select_for_update())


def release_capacity(agent_ids: Collection[UUID], *, at: datetime, worked: bool) -> None:
    """Release one place of capacity for each mention of an agent.

    An agent who worked is idle from now on; the others keep their idle time.
    """
    if len(agent_ids) > 1:
        lock_presences(agent_ids)
    changes = {"idle_since": at} if worked else {}
    for places, named in _group_by_count(agent_ids):
        Presence.objects.filter(agent_id__in=named).update(
            load=Greatest(F("load") - places, 0), **changes
        )
    agent_available.send(Agent, agent_ids=agent_ids, at=at)


def _group_by_count(agent_ids: Collection[UUID]) -> list[tuple[int, list[UUID]]]:
    """Group agents by how often they are mentioned, which is nearly always once."""
    counted = Counter(agent_ids)
    return [
        (count, sorted(agent for agent, times in counted.items() if times == count))
        for count in sorted(set(counted.values()))
    ]


def _is_silent(agent: Agent, *, at: datetime) -> bool:
    """Checks with the row locked, because a heartbeat may have arrived after the first read."""
    held = Presence.objects.select_for_update().get(agent=agent)
    return held.status in ONLINE and (held.seen_at is None or held.seen_at <= at - SILENCE)


def _set_status(agent: Agent, status: Presence.Status, *, at: datetime, **also: Any) -> bool:
    """Change the status and its history; returns False if the status is the same. The agent acts,
    so this counts as a heartbeat, unless `also` says otherwise."""
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
    """Set whether offers are accepted for this agent once their page shows them, and the hourly
    limit. Off by default: only the agent turns it on."""
    Presence.objects.filter(agent=agent).update(auto_accept=on, auto_accept_limit=limit)
