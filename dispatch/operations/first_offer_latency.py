"""Latency: how long a ticket waits for its first offer, as a histogram that outlives processes."""

from datetime import datetime, timedelta

from django.db import connection

from dispatch.models import MatchLatency

#: Upper bounds in seconds. Whoever changes them empties the row: its counts are of these.
BUCKETS = [0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 180.0]
#: An offer sent this long ago is committed; a younger one is counted later.
SETTLED = timedelta(seconds=30)

# Another process that counted meanwhile has moved `counted_to`; then nothing is changed.
COUNT = """
WITH waits AS (
    SELECT greatest(extract(epoch FROM o.sent_at - t.queued_at), 0)::float8 AS seconds
    FROM dispatch_offer o JOIN tickets_ticket t ON t.id = o.ticket_id
    WHERE o.sent_at > %(since)s AND o.sent_at <= %(until)s AND NOT EXISTS (
        SELECT 1 FROM dispatch_offer earlier
        WHERE earlier.ticket_id = o.ticket_id AND (earlier.sent_at, earlier.id) < (o.sent_at, o.id))
), counted AS (
    SELECT width_bucket(seconds, %(bounds)s::float8[]) AS bucket, count(*) AS many,
           sum(seconds) AS seconds
    FROM waits GROUP BY 1
)
UPDATE dispatch_matchlatency m SET
    counted_to = %(until)s,
    counts = ARRAY(
        SELECT m.counts[i] + coalesce(c.many, 0)
        FROM generate_series(1, cardinality(m.counts)) i LEFT JOIN counted c ON c.bucket = i - 1
        ORDER BY i),
    seconds = m.seconds + coalesce((SELECT sum(seconds) FROM counted), 0)
WHERE m.id = 1 AND m.counted_to = %(since)s
"""


def count(*, at: datetime) -> None:
    """Count the first offers sent since the last time. Any number may: one does."""
    until = at - SETTLED
    empty = {"counted_to": until, "counts": [0] * (len(BUCKETS) + 1)}
    kept, _new = MatchLatency.objects.get_or_create(pk=1, defaults=empty)
    with connection.cursor() as cursor:
        cursor.execute(COUNT, {"since": kept.counted_to, "until": until, "bounds": BUCKETS})
