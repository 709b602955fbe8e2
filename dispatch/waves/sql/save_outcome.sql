-- Writes a wave's outcome: reserved agents, the decision, its offers and their tickets' marks.
WITH drafts AS (
    SELECT * FROM json_to_recordset(%(drafts)s::json) d(
        id uuid, ticket_id uuid, agent_id uuid, slot int, pay jsonb, reasons jsonb)
), free_agents AS (
    SELECT agent_id FROM agents_presence
    -- The planner assumes a hundred drafts and would scan the table; the list of ids makes it use
    -- the index.
    WHERE agent_id = ANY(%(agents)s::uuid[]) AND load < capacity
    -- An agent whose row somebody else holds counts as full, so that nobody waits.
    ORDER BY agent_id FOR UPDATE SKIP LOCKED
), reserved_agents AS (
    UPDATE agents_presence p SET load = load + 1 FROM free_agents
    WHERE p.agent_id = free_agents.agent_id
    RETURNING p.agent_id
), kept_decision AS (
    INSERT INTO dispatch_decision (id, policy_id, at, seen, pairs)
    SELECT %(decision)s::uuid, %(policy)s, %(at)s, %(seen)s::bytea, %(pairs)s::text::jsonb
    WHERE %(decision)s::uuid IS NOT NULL
), made_offers AS (
    INSERT INTO dispatch_offer (
        id, ticket_id, agent_id, decision_id, slot, status, pay, reasons, sent_at, expires_at,
        declined_because, may_reoffer, auto_accepted
    )
    SELECT d.id, d.ticket_id, d.agent_id, %(decision)s::uuid, d.slot, 'sent', d.pay, d.reasons,
        %(at)s, %(expires_at)s, '', false, false
    FROM drafts d JOIN reserved_agents USING (agent_id)
    RETURNING id, ticket_id
), marked_tickets AS (
    UPDATE tickets_ticket t SET offered = true, reoffer_at = CASE WHEN (
        -- A statement does not see its own inserts, so the offer made here is added.
        SELECT count(*) + 1 FROM dispatch_offer o
        WHERE o.ticket_id = t.id AND o.status IN ('sent', 'shown')
    -- Where as many are asked as may be, no time is set for asking another.
    ) < %(most)s THEN %(again)s::timestamptz END
    -- The ids again: without them the planner would scan the table for a hundred offers.
    FROM made_offers WHERE t.id = made_offers.ticket_id AND t.id = ANY(%(tickets)s::uuid[])
)
-- Nobody waits for the disk: tickets whose offers are lost in a crash of the database's machine
-- are found waiting and offered again.
SELECT id, set_config('synchronous_commit', 'off', true) FROM made_offers
