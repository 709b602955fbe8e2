"""The state of an agent's desk, and the signature by which a page finds out that it is stale."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import connection

from agents.models import Agent, Presence
from agents.pay import ledger
from dispatch.models import Assignment, Offer

# Each live server runs this for about a hundred agents a second, so it is one query for them all.
SIGNATURES = """
WITH offers AS (
    SELECT agent_id, string_agg(id::text, ' ' ORDER BY id) AS pending FROM dispatch_offer
    WHERE agent_id = ANY(%(agents)s::uuid[]) AND status IN ('sent', 'shown') GROUP BY agent_id
), talks AS (
    SELECT a.agent_id,
        string_agg(concat_ws(' ', a.id, a.ended_at, t.last_seq), ' ' ORDER BY a.id) AS unfinished
    FROM dispatch_assignment a JOIN tickets_ticket t ON t.id = a.ticket_id
    WHERE a.agent_id = ANY(%(agents)s::uuid[]) AND a.finished_at IS NULL GROUP BY a.agent_id
)
SELECT agent_id, to_hex(hashtextextended(concat_ws(
    ' ', p.status, p.paused, p.auto_accept, p.auto_accept_limit, '/', pending, '/', unfinished), 0))
FROM agents_presence p LEFT JOIN offers USING (agent_id) LEFT JOIN talks USING (agent_id)
WHERE agent_id = ANY(%(agents)s::uuid[])
"""


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
        cursor.execute(SIGNATURES, {"agents": list(agent_ids)})
        return dict(cursor.fetchall())


def get_midnight(agent: Agent, *, at: datetime) -> datetime:
    """Midnight in the agent's time zone."""
    local = at.astimezone(ZoneInfo(agent.time_zone))
    return local.replace(hour=0, minute=0, second=0, microsecond=0)
