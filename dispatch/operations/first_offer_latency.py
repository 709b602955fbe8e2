"""A histogram of the time from ticket to first offer, kept in the database across restarts."""

from datetime import datetime, timedelta

from django.db import connection

from dispatch import sql
from dispatch.models import MatchLatency

#: Upper bounds in seconds. After a change empty the row, because its counts belong to these.
BUCKETS = [0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 180.0]
#: An offer sent this long ago is committed; a younger one is counted next time.
SETTLED = timedelta(seconds=30)

COUNT_SQL = sql.read(__package__, "count_first_offers")


def count(*, at: datetime) -> None:
    """Count the first offers sent since the last count. Safe to call from many processes."""
    until = at - SETTLED
    empty = {"counted_to": until, "counts": [0] * (len(BUCKETS) + 1)}
    kept, _new = MatchLatency.objects.get_or_create(pk=1, defaults=empty)
    with connection.cursor() as cursor:
        cursor.execute(COUNT_SQL, {"since": kept.counted_to, "until": until, "bounds": BUCKETS})
