-- Notes that these offers are on their agents' screens, where their minute begins.
WITH held AS (
    SELECT o.id FROM dispatch_offer o
    -- A live server says some times a second what its thousand screens show. With arrays it is one
    -- statement however many they are, and so planned once.
    WHERE (o.id, o.agent_id) IN (
        SELECT * FROM unnest(%(offers)s::uuid[], %(agents)s::uuid[]) said(id, agent_id))
      AND o.status = 'sent' AND o.expires_at > statement_timestamp()
    -- An offer that somebody holds is being settled: to wait for them could be to wait for each
    -- other.
    ORDER BY o.id FOR UPDATE OF o SKIP LOCKED
)
UPDATE dispatch_offer o SET status = 'shown', shown_at = statement_timestamp(),
    expires_at = statement_timestamp() + %(lasts)s::interval
FROM held WHERE o.id = held.id RETURNING o.id
