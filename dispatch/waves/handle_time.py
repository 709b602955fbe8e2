"""Measured handle time, so that quotes and estimated waits are honest."""

from datetime import datetime, timedelta
from uuid import UUID

from django.core.cache import cache
from django.db import connection

from dispatch import sql

#: With fewer conversations than this the rate card's estimate stands. A price needs fewer than an
#: estimated wait (`pool.ENOUGH`), because a median needs less than a distribution.
ENOUGH = 5
RECENT = timedelta(days=7)

MEDIANS_SQL = sql.read(__package__, "handle_time_medians")


def get_medians(*, at: datetime) -> dict[tuple[UUID, str], timedelta]:
    """Return the median handle time by client and topic of the last week."""
    known = cache.get("handle_time")
    if known is None:
        known = _read_medians(at=at)
        cache.set("handle_time", known, timeout=60)
    medians: dict[tuple[UUID, str], timedelta] = known
    return medians


def _read_medians(*, at: datetime) -> dict[tuple[UUID, str], timedelta]:
    with connection.cursor() as cursor:
        cursor.execute(MEDIANS_SQL, {"since": at - RECENT, "enough": ENOUGH})
        return {(client, topic): median for client, topic, median in cursor.fetchall()}
