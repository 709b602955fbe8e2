-- Counts by day and language how often the waits that were told held.
SELECT (ended AT TIME ZONE 'UTC')::date, language,
    count(*) FILTER (WHERE p50 IS NOT NULL AND answered AND waited <= p50),
    count(*) FILTER (WHERE waited > p50),
    count(*) FILTER (WHERE p50 IS NOT NULL AND NOT answered AND waited <= p50),
    count(*) FILTER (WHERE p90 IS NOT NULL AND answered AND waited <= p90),
    count(*) FILTER (WHERE waited > p90),
    count(*) FILTER (WHERE p90 IS NOT NULL AND NOT answered AND waited <= p90),
    count(*) FILTER (WHERE p90 IS NULL)
FROM (
    SELECT coalesce(answered_at, closed_at) AS ended, language, answered_at IS NOT NULL AS answered,
        extract(epoch FROM coalesce(answered_at, closed_at) - queued_at) AS waited,
        quoted_p50_s AS p50, quoted_p90_s AS p90
    FROM tickets_ticket WHERE coalesce(answered_at, closed_at) >= %(since)s
) over GROUP BY 1, 2 ORDER BY 1, 2
