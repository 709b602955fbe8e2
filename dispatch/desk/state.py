"""What an agent's desk shows now, and a signature by which a page knows whether it is behind."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import connection

from agents.models import Agent, Presence
from agents.pay import ledger
from dispatch import sql
from dispatch.models import Assignment, Offer

SIGNATURES_SQL = sql.read(__package__, "signatures")


@dataclass(frozen=True)
class DeskState:
    """The live parts of the desk."""

    presence: Presence
    offers: list[Offer]
    assignments: list[Assignment]
    earned: dict[str, int]
    finished_today: int
    signature: str


def read(agent: Agent, *, at: datetime) -> DeskState:
    """Everything the desk shows of this agent. Six queries, however much there is."""
    # Read before the rows: a page that is newer than its signature only asks once too often.
    signature = signatures([agent.pk])[agent.pk]
    midnight = start_of_day(agent, at=at)
    pending = Offer.objects.pending().filter(agent=agent).select_related("ticket__client")
    unfinished = Assignment.objects.unfinished().filter(agent=agent)
    finished = Assignment.objects.filter(agent=agent, finished_at__gte=midnight)
    return DeskState(
        presence=Presence.objects.get(agent=agent),
        offers=list(pending.order_by("sent_at")),
        assignments=list(unfinished.select_related("ticket", "offer").order_by("started_at")),
        earned=ledger.earned(agent, since=midnight),
        finished_today=finished.count(),
        signature=signature,
    )


def signatures(agent_ids: Collection[UUID]) -> dict[UUID, str]:
    """One short word for each agent that changes whenever their desk does. One query."""
    with connection.cursor() as cursor:
        cursor.execute(SIGNATURES_SQL, {"agents": list(agent_ids)})
        return dict(cursor.fetchall())


def start_of_day(agent: Agent, *, at: datetime) -> datetime:
    """Midnight where the agent lives."""
    local = at.astimezone(ZoneInfo(agent.time_zone))
    return local.replace(hour=0, minute=0, second=0, microsecond=0)
