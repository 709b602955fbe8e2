-- Adds the first offers sent since the last count to the histogram of first offer latency.
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
-- A process that counted meanwhile has moved `counted_to`; then nothing is changed.
WHERE m.id = 1 AND m.counted_to = %(since)s
