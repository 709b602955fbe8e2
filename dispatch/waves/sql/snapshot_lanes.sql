-- Lane selection: finds the lanes that wait and somebody free can serve, and their shares.
WITH RECURSIVE waiting_lanes(lane) AS (
    -- Skips through the index from one lane to the next, so the length of the queue costs nothing.
    (SELECT lane FROM tickets_ticket WHERE status = 'queued' AND NOT offered ORDER BY lane LIMIT 1)
    UNION ALL
    SELECT (SELECT t.lane FROM tickets_ticket t
            WHERE t.status = 'queued' AND NOT t.offered AND t.lane > waiting_lanes.lane
            ORDER BY t.lane LIMIT 1)
    FROM waiting_lanes WHERE waiting_lanes.lane IS NOT NULL
), lane_shares AS (
    -- Many lanes share the batch, so that a wave takes as long as ever.
    SELECT greatest(4, %(batch)s / count) AS places,
        greatest(%(least)s, least(%(choice)s, %(choices)s / count)) AS more
    FROM (SELECT greatest(count(lane), 1) AS count FROM waiting_lanes) counted
), served_lanes AS (
    SELECT lane, string_to_array(lane, ' ') AS needs, free.places
    FROM waiting_lanes CROSS JOIN lane_shares CROSS JOIN LATERAL (
        SELECT count(*) AS places FROM (
            SELECT 1 FROM agents_freeagententry f
            WHERE f.language = split_part(lane, '/', 1)
              -- The planner takes a bare `@>` for very selective and would sort a whole language.
              -- It cannot estimate `coalesce`, and walks the line until it has found enough.
              AND coalesce(f.abilities @> string_to_array(lane, ' '), false)
            ORDER BY f.idle_since LIMIT lane_shares.places
        ) able
    ) free
    WHERE free.places > 0
      AND mod(hashtext(split_part(lane, '/', 1)) & 65535, %(shards)s) = %(shard)s
)
