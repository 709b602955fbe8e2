"""The one statement by which a wave reads who waits and who is free."""

# The lanes are found by skipping from one to the next through the index, so the length of the queue
# costs nothing. A ticket's own row says whether it is asked for, so a wave that ended while this
# one ran is seen when the row is locked. A ticket nobody free can be asked for (they all passed, or
# its client has no rate card) is left out here, or it would stand in the way of those behind it.
# Those who passed or shall not be asked are looked at beside the others, or they would hide them.
# An acquaintance who isn't free counts as nobody's, or customers who come back would wait longer.
# PostgreSQL takes `@>` for something hardly anybody is able to and would sort a whole language; of
# `coalesce` it knows nothing, and walks the line from its head until it has found enough.
# Where many lanes wait, each gets a share of the batch, so that a wave takes as long as ever.
READ = """
WITH RECURSIVE lanes(lane) AS (
    (SELECT lane FROM tickets_ticket WHERE status = 'queued' AND NOT offered ORDER BY lane LIMIT 1)
    UNION ALL
    SELECT (SELECT t.lane FROM tickets_ticket t
            WHERE t.status = 'queued' AND NOT t.offered AND t.lane > lanes.lane
            ORDER BY t.lane LIMIT 1)
    FROM lanes WHERE lanes.lane IS NOT NULL
), shares AS (
    SELECT greatest(4, %(batch)s / count) AS places,
        greatest(%(least)s, least(%(choice)s, %(choices)s / count)) AS more
    FROM (SELECT greatest(count(lane), 1) AS count FROM lanes) counted
), served AS (
    SELECT lane, string_to_array(lane, ' ') AS needs, free.places
    FROM lanes CROSS JOIN shares CROSS JOIN LATERAL (
        SELECT count(*) AS places FROM (
            SELECT 1 FROM agents_freeagententry f
            WHERE f.language = split_part(lane, '/', 1)
              AND coalesce(f.abilities @> string_to_array(lane, ' '), false)
            ORDER BY f.idle_since LIMIT shares.places
        ) able
    ) free
    WHERE free.places > 0
      AND mod(hashtext(split_part(lane, '/', 1)) & 65535, %(shards)s) = %(shard)s
), picked AS (
    SELECT next.id FROM served
    CROSS JOIN unnest(ARRAY[0, 1, 2]) asking(urgency)
    CROSS JOIN LATERAL (
        SELECT t.id, t.due_at - asking.urgency * %(head_start)s::interval AS due
        FROM tickets_ticket t
        WHERE t.status = 'queued' AND NOT t.offered AND t.lane = served.lane
          AND t.urgency = asking.urgency AND t.give_up_at > %(at)s
          AND EXISTS (
            SELECT 1 FROM tickets_client c JOIN agents_ratecard r ON r.client = c.slug
            WHERE c.id = t.client_id AND r.valid_from <= %(at)s
              AND (r.valid_to IS NULL OR r.valid_to > %(at)s))
          AND (NOT EXISTS (
            SELECT 1 FROM dispatch_offer o
            WHERE o.ticket_id = t.id AND o.status IN ('declined', 'sent', 'shown')
              AND NOT (o.may_reoffer AND o.settled_at < %(lately)s)
            UNION ALL
            SELECT 1 FROM dispatch_customeraffinity q
            WHERE q.client_id = t.client_id AND q.customer_ref = t.customer_ref
              AND q.blocked_at IS NOT NULL)
          OR EXISTS (
            SELECT 1 FROM agents_freeagententry f
            WHERE f.language = t.language AND coalesce(f.abilities @> served.needs, false)
              AND NOT EXISTS (
                SELECT 1 FROM dispatch_offer o
                WHERE o.ticket_id = t.id AND o.agent_id = f.agent_id
                  AND o.status IN ('declined', 'sent', 'shown')
                  AND NOT (o.may_reoffer AND o.settled_at < %(lately)s))
              AND NOT EXISTS (
                SELECT 1 FROM dispatch_customeraffinity q
                WHERE q.client_id = t.client_id AND q.customer_ref = t.customer_ref
                  AND q.agent_id = f.agent_id AND q.blocked_at IS NOT NULL)))
        ORDER BY t.due_at, t.id LIMIT served.places
    ) next ORDER BY next.due, next.id LIMIT %(batch)s
), held AS (
    SELECT t.id, t.lane, t.topic, t.urgency, t.queued_at, t.due_at, t.client_id, t.customer_ref,
        t.skills
    FROM tickets_ticket t
    WHERE t.id IN (SELECT id FROM picked) AND t.status = 'queued' AND NOT t.offered
    FOR UPDATE OF t SKIP LOCKED
), met AS (
    SELECT held.id, q.agent_id, q.blocked_at IS NOT NULL AS blocked
    FROM held JOIN dispatch_customeraffinity q
      ON q.client_id = held.client_id AND q.customer_ref = held.customer_ref
    LEFT JOIN agents_freeagententry f ON f.agent_id = q.agent_id
      AND f.language = split_part(held.lane, '/', 1)
      AND f.abilities @> string_to_array(held.lane, ' ')
    WHERE q.blocked_at IS NOT NULL OR (q.met_at > %(known_since)s AND f.agent_id IS NOT NULL)
), offered AS (
    SELECT o.ticket_id AS id, o.agent_id, o.status, o.slot,
        o.may_reoffer AND o.settled_at < %(lately)s AS may_reoffer
    FROM held JOIN dispatch_offer o ON o.ticket_id = held.id
    WHERE o.status NOT IN ('accepted', 'withdrawn', 'taken')
), wanted AS (
    SELECT held.lane, string_to_array(held.lane, ' ') AS needs,
        count(*) + shares.more + coalesce(sum(refusals), 0) AS many
    FROM held CROSS JOIN shares CROSS JOIN LATERAL (
        SELECT (SELECT count(*) FROM offered WHERE offered.id = held.id)
             + (SELECT count(*) FROM met WHERE met.id = held.id AND met.blocked) AS refusals
    ) r
    GROUP BY held.lane, shares.more
), chosen AS (
    SELECT fit.agent_id FROM wanted CROSS JOIN LATERAL (
        SELECT f.agent_id FROM agents_freeagententry f JOIN agents_presence p USING (agent_id)
        WHERE f.language = split_part(wanted.lane, '/', 1)
          AND coalesce(f.abilities @> wanted.needs, false)
          AND p.seen_at > %(heard)s
        ORDER BY f.idle_since LIMIT wanted.many
    ) fit
    UNION
    SELECT met.agent_id FROM met JOIN agents_presence p USING (agent_id)
    WHERE NOT met.blocked AND p.seen_at > %(heard)s
)
SELECT (
    SELECT json_agg(json_build_array(
        held.id, held.lane, held.topic, held.urgency, held.queued_at, held.due_at,
        c.id, c.slug, c.name,
        (SELECT json_agg(json_build_array(o.agent_id, o.status, o.may_reoffer, o.slot))
         FROM offered o WHERE o.id = held.id),
        (SELECT json_agg(json_build_array(met.agent_id, met.blocked))
         FROM met WHERE met.id = held.id),
        held.skills))
    FROM held JOIN tickets_client c ON c.id = held.client_id
)::text, (
    SELECT json_agg(json_build_array(
        p.agent_id, array_to_string(p.abilities, ' '), p.idle_since,
        p.capacity - p.load,
        CASE WHEN p.worked_on = %(today)s THEN p.worked_today ELSE 0 END,
        coalesce(s.reviews, 0), coalesce(s.good, 0), u.language))
    FROM chosen JOIN agents_presence p USING (agent_id)
    JOIN agents_agent a ON a.id = p.agent_id AND a.status = 'approved'
    JOIN agents_user u ON u.id = a.user_id
    LEFT JOIN dispatch_agentrating s ON s.agent_id = p.agent_id
)::text
"""


#: What is sent: its indentation would be a seventh of it.
SNAPSHOT_SQL = " ".join(READ.split())
