-- Reads the quantiles of handle time and of wrap-up: by client and topic, by client, and of all.
SELECT c.slug, t.topic,
    percentile_cont(%(steps)s::float8[]) WITHIN GROUP (
        ORDER BY greatest(extract(epoch FROM a.finished_at - a.started_at)::float8, 0)),
    percentile_cont(%(steps)s::float8[]) WITHIN GROUP (
        ORDER BY greatest(extract(epoch FROM a.finished_at - a.ended_at)::float8, 0))
FROM dispatch_assignment a
JOIN tickets_ticket t ON t.id = a.ticket_id JOIN tickets_client c ON c.id = t.client_id
WHERE a.finished_at > %(since)s AND a.ending IN ('resolved', 'handed_back')
-- Twenty make a distribution; the five of `handle_time_medians.sql` make no more than a median.
GROUP BY GROUPING SETS ((c.slug, t.topic), (c.slug), ()) HAVING count(*) >= %(enough)s
