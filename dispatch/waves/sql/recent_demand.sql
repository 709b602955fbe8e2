-- Counts what the newest tickets asked for at first, and how many of them came lately.
SELECT language, ARRAY(SELECT jsonb_object_keys(skills)), count(*),
    count(*) FILTER (WHERE queued_at > %(since)s), min(queued_at)
FROM (
    SELECT language, skills, queued_at FROM tickets_ticket ORDER BY id DESC LIMIT %(tickets)s
) newest GROUP BY language, skills
