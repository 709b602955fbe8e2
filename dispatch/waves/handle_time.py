"""Handle time: how long conversations really take, so that quotes and waits are honest."""

from datetime import datetime, timedelta
from uuid import UUID

from django.core.cache import cache
from django.db import connection

from dispatch import sql

#: Fewer conversations than this tell nothing yet, and the rate card's estimate stands. A price may
#: rest on fewer than an estimated wait does (`pool.ENOUGH`): one median needs less than a
#: distribution.
ENOUGH = 5
RECENT = timedelta(days=7)

MEDIANS_SQL = sql.read(__package__, "handle_time_medians")


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
        cursor.execute(MEDIANS_SQL, {"since": at - RECENT, "enough": ENOUGH})
        return {(client, topic): median for client, topic, median in cursor.fetchall()}
