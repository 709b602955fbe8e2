"""The state of an agent's desk, and the signature by which a page finds out that it is stale."""

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
    """Read everything the desk shows. Always six queries."""
    # Read before the rows. If a row changes in between, the page only reloads once too often.
    signature = signatures([agent.pk])[agent.pk]
    midnight = get_midnight(agent, at=at)
    pending = Offer.objects.pending().filter(agent=agent).select_related("ticket__client")
    unfinished = Assignment.objects.unfinished().filter(agent=agent)
    finished = Assignment.objects.filter(agent=agent, finished_at__gte=midnight)
    return DeskState(
        presence=Presence.objects.get(agent=agent),
        offers=list(pending.order_by("sent_at")),
        assignments=list(unfinished.select_related("ticket", "offer").order_by("started_at")),
        earned=ledger.sum_earnings(agent, since=midnight),
        finished_today=finished.count(),
        signature=signature,
    )


def signatures(agent_ids: Collection[UUID]) -> dict[UUID, str]:
    """Read the signature of each agent; it changes whenever the desk does. One query."""
    with connection.cursor() as cursor:
        cursor.execute(SIGNATURES_SQL, {"agents": list(agent_ids)})
        return dict(cursor.fetchall())


def get_midnight(agent: Agent, *, at: datetime) -> datetime:
    """Midnight in the agent's time zone."""
    local = at.astimezone(ZoneInfo(agent.time_zone))
    return local.replace(hour=0, minute=0, second=0, microsecond=0)
