"""Latency: how long a ticket waits for its first offer, as a histogram that outlives processes."""

from datetime import datetime, timedelta

from django.db import connection

from dispatch import sql
from dispatch.models import MatchLatency

#: Upper bounds in seconds. Whoever changes them empties the row: its counts are of these.
BUCKETS = [0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 180.0]
#: An offer sent this long ago is committed; a younger one is counted later.
SETTLED = timedelta(seconds=30)

COUNT_SQL = sql.read(__package__, "count_first_offers")


def count(*, at: datetime) -> None:
    """Count the first offers sent since the last time. Any number may: one does."""
    until = at - SETTLED
    empty = {"counted_to": until, "counts": [0] * (len(BUCKETS) + 1)}
    kept, _new = MatchLatency.objects.get_or_create(pk=1, defaults=empty)
    with connection.cursor() as cursor:
        cursor.execute(COUNT_SQL, {"since": kept.counted_to, "until": until, "bounds": BUCKETS})
