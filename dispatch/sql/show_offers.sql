-- Marks these offers as displayed; the time to answer begins now.
WITH held AS (
    SELECT o.id FROM dispatch_offer o
    -- A live server runs this several times a second for a thousand pages. It takes arrays, so
    -- that the statement is the same for any number and planned once.
    WHERE (o.id, o.agent_id) IN (
        SELECT * FROM unnest(%(offers)s::uuid[], %(agents)s::uuid[]) said(id, agent_id))
      AND o.status = 'sent' AND o.expires_at > statement_timestamp()
    -- SKIP LOCKED: a locked offer is being settled, and waiting for it could deadlock.
    ORDER BY o.id FOR UPDATE OF o SKIP LOCKED
)
UPDATE dispatch_offer o SET status = 'shown', shown_at = statement_timestamp(),
    expires_at = statement_timestamp() + %(lasts)s::interval
FROM held WHERE o.id = held.id RETURNING o.id
