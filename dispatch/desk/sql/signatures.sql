-- Makes one short word for each agent that changes whenever something on their desk does.
-- A live server asks it of a hundred agents a second: what they have is gathered in one pass.
WITH pending_offers AS (
    SELECT agent_id, string_agg(id::text, ' ' ORDER BY id) AS pending FROM dispatch_offer
    WHERE agent_id = ANY(%(agents)s::uuid[]) AND status IN ('sent', 'shown') GROUP BY agent_id
), unfinished_talks AS (
    SELECT a.agent_id,
        string_agg(concat_ws(' ', a.id, a.ended_at, t.last_seq), ' ' ORDER BY a.id) AS unfinished
    FROM dispatch_assignment a JOIN tickets_ticket t ON t.id = a.ticket_id
    WHERE a.agent_id = ANY(%(agents)s::uuid[]) AND a.finished_at IS NULL GROUP BY a.agent_id
)
SELECT agent_id, to_hex(hashtextextended(concat_ws(
    ' ', p.status, p.paused, p.auto_accept, p.auto_accept_limit, '/', pending, '/', unfinished), 0))
FROM agents_presence p
LEFT JOIN pending_offers USING (agent_id) LEFT JOIN unfinished_talks USING (agent_id)
WHERE agent_id = ANY(%(agents)s::uuid[])
