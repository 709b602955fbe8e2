-- Reads each conversation and wrap-up that goes on, how long it has taken and what is left of it.
SELECT a.agent_id, c.slug, t.topic,
    -- Clocks are set back now and then: no span is read as less than nothing.
    greatest(extract(epoch FROM %(at)s::timestamptz - a.started_at)::float8, 0),
    CASE WHEN a.ended_at IS NOT NULL
        THEN greatest(extract(epoch FROM %(at)s::timestamptz - a.ended_at)::float8, 0) END,
    extract(epoch FROM a.wrap_up_by - %(at)s::timestamptz)::float8
FROM dispatch_assignment a
JOIN tickets_ticket t ON t.id = a.ticket_id JOIN tickets_client c ON c.id = t.client_id
WHERE a.finished_at IS NULL
