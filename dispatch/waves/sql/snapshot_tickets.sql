-- Ticket locking: picks and locks the next tickets of each lane, and reads their past.
picked_tickets AS (
    SELECT next.id FROM served_lanes
    CROSS JOIN unnest(ARRAY[0, 1, 2]) asking(urgency)
    CROSS JOIN LATERAL (
        SELECT t.id, t.due_at - asking.urgency * %(head_start)s::interval AS due
        FROM tickets_ticket t
        WHERE t.status = 'queued' AND NOT t.offered AND t.lane = served_lanes.lane
          AND t.urgency = asking.urgency AND t.give_up_at > %(at)s
          -- A ticket without a rate card cannot be offered and would block those behind it.
          AND EXISTS (
            SELECT 1 FROM tickets_client c JOIN agents_ratecard r ON r.client = c.slug
            WHERE c.id = t.client_id AND r.valid_from <= %(at)s
              AND (r.valid_to IS NULL OR r.valid_to > %(at)s))
          -- So would a ticket that every free agent passed or is blocked from. Most tickets were
          -- never refused, so the first look finds nothing and the second is not taken.
          AND (NOT EXISTS (
            SELECT 1 FROM dispatch_offer o
            WHERE o.ticket_id = t.id AND o.status IN ('declined', 'sent', 'shown')
              AND NOT (o.may_reoffer AND o.settled_at < %(lately)s)
            UNION ALL
            SELECT 1 FROM dispatch_customeraffinity q
            WHERE q.client_id = t.client_id AND q.customer_ref = t.customer_ref
              AND q.blocked_at IS NOT NULL)
          OR (
            SELECT true FROM agents_freeagententry f
            WHERE f.language = t.language AND coalesce(f.abilities @> served_lanes.needs, false)
              AND NOT EXISTS (
                SELECT 1 FROM dispatch_offer o
                WHERE o.ticket_id = t.id AND o.agent_id = f.agent_id
                  AND o.status IN ('declined', 'sent', 'shown')
                  AND NOT (o.may_reoffer AND o.settled_at < %(lately)s))
              AND NOT EXISTS (
                SELECT 1 FROM dispatch_customeraffinity q
                WHERE q.client_id = t.client_id AND q.customer_ref = t.customer_ref
                  AND q.agent_id = f.agent_id AND q.blocked_at IS NOT NULL)
            -- The order makes the planner walk the language's index. EXISTS would let it scan the
            -- table, and read all of it where everybody has passed.
            ORDER BY f.idle_since LIMIT 1))
        ORDER BY t.due_at, t.id LIMIT served_lanes.places
    ) next ORDER BY next.due, next.id LIMIT %(batch)s
), locked_tickets AS (
    SELECT t.id, t.lane, t.topic, t.urgency, t.queued_at, t.due_at, t.client_id, t.customer_ref,
        t.skills
    FROM tickets_ticket t
    -- The lock rechecks the row: a ticket that another wave offered meanwhile is left out.
    WHERE t.id IN (SELECT id FROM picked_tickets) AND t.status = 'queued' AND NOT t.offered
    FOR UPDATE OF t SKIP LOCKED
), affinities AS (
    SELECT locked.id, q.agent_id, q.blocked_at IS NOT NULL AS blocked
    FROM locked_tickets locked JOIN dispatch_customeraffinity q
      ON q.client_id = locked.client_id AND q.customer_ref = locked.customer_ref
    LEFT JOIN agents_freeagententry f ON f.agent_id = q.agent_id
      AND f.language = split_part(locked.lane, '/', 1)
      AND f.abilities @> string_to_array(locked.lane, ' ')
    -- A known agent who is not free is left out, or customers who come back would wait longer.
    WHERE q.blocked_at IS NOT NULL OR (q.met_at > %(known_since)s AND f.agent_id IS NOT NULL)
), past_offers AS (
    SELECT o.ticket_id AS id, o.agent_id, o.status, o.slot,
        o.may_reoffer AND o.settled_at < %(lately)s AS may_reoffer
    FROM locked_tickets locked JOIN dispatch_offer o ON o.ticket_id = locked.id
    WHERE o.status NOT IN ('accepted', 'withdrawn', 'taken')
)
