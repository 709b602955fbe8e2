"""What an agent's desk shows now, and a signature by which a page knows whether it is behind."""

import hashlib
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from agents.models import Agent, Presence
from agents.pay import ledger
from dispatch.models import Assignment, Offer


@dataclass(frozen=True)
class Snapshot:
    """The live parts of the desk."""

    presence: Presence
    offers: list[Offer]
    assignments: list[Assignment]
    earned: dict[str, int]
    finished_today: int
    signature: str


def of(agent: Agent, *, at: datetime) -> Snapshot:
    """Everything the desk shows of this agent. Six queries, however much there is."""
    # Read before the rows: a page that is newer than its signature only asks once too often.
    signature = signatures([agent.pk])[agent.pk]
    midnight = start_of_day(agent, at=at)
    pending = Offer.objects.pending().filter(agent=agent).select_related("ticket__client")
    unfinished = Assignment.objects.unfinished().filter(agent=agent)
    finished = Assignment.objects.filter(agent=agent, finished_at__gte=midnight)
    return Snapshot(
        presence=Presence.objects.get(agent=agent),
        offers=list(pending.order_by("sent_at")),
        assignments=list(unfinished.select_related("ticket", "offer").order_by("started_at")),
        earned=ledger.earned(agent, since=midnight),
        finished_today=finished.count(),
        signature=signature,
    )


def signatures(agent_ids: Collection[UUID]) -> dict[UUID, str]:
    """One short word for each agent that changes whenever their desk does. Three queries in all."""
    facts: defaultdict[UUID, list[Any]] = defaultdict(list)
    present = Presence.objects.filter(agent__in=agent_ids).values_list(
        "agent_id", "status", "paused", "rolling", "rolling_limit"
    )
    pending = Offer.objects.pending().filter(agent__in=agent_ids).order_by("pk")
    unfinished = Assignment.objects.unfinished().filter(agent__in=agent_ids).order_by("pk")
    work = unfinished.values_list("agent_id", "pk", "ended_at", "ticket__last_seq")
    rows: list[tuple[Any, ...]] = [*present, *pending.values_list("agent_id", "pk"), *work]
    for agent_id, *fact in rows:
        facts[agent_id].append(fact)
    return {agent_id: _word(facts[agent_id]) for agent_id in agent_ids}


def start_of_day(agent: Agent, *, at: datetime) -> datetime:
    """Midnight where the agent lives."""
    local = at.astimezone(ZoneInfo(agent.time_zone))
    return local.replace(hour=0, minute=0, second=0, microsecond=0)


def _word(facts: list[Any]) -> str:
    return hashlib.blake2b(repr(facts).encode(), digest_size=8).hexdigest()
