"""Handle time: how long conversations really take, so that quotes and waits are honest."""

from datetime import datetime, timedelta
from uuid import UUID

from django.core.cache import cache
from django.db import connection

#: Fewer conversations than this tell nothing yet, and the rate card's estimate stands.
ENOUGH = 5
RECENT = timedelta(days=7)

MEDIANS_SQL = """
    SELECT t.client_id, t.topic,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY a.finished_at - a.started_at)
    FROM dispatch_assignment a JOIN tickets_ticket t ON t.id = a.ticket_id
    WHERE a.finished_at > %s AND a.ending IN ('resolved', 'handed_back')
    GROUP BY 1, 2 HAVING count(*) >= %s
"""


def typical(*, at: datetime) -> dict[tuple[UUID, str], timedelta]:
    """The median handle time of each client and topic of the last week, refreshed each minute."""
    known = cache.get("handle_time")
    if known is None:
        known = _medians(at=at)
        cache.set("handle_time", known, timeout=60)
    medians: dict[tuple[UUID, str], timedelta] = known
    return medians


def _medians(*, at: datetime) -> dict[tuple[UUID, str], timedelta]:
    with connection.cursor() as cursor:
        cursor.execute(MEDIANS_SQL, [at - RECENT, ENOUGH])
        return {(client, topic): median for client, topic, median in cursor.fetchall()}
