-- Counts the first requirements of the newest tickets, and how many of them are recent.
SELECT language, ARRAY(SELECT jsonb_object_keys(skills)), count(*),
    count(*) FILTER (WHERE queued_at > %(since)s), min(queued_at)
FROM (
    SELECT language, skills, queued_at FROM tickets_ticket ORDER BY id DESC LIMIT %(tickets)s
) newest GROUP BY language, skills
