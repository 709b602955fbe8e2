-- Agent choice: takes the longest idle who fit each lane, and free agents the customers know.
agents_wanted AS (
    SELECT locked.lane, string_to_array(locked.lane, ' ') AS needs,
        -- As many more as were refused, or those who passed would hide the others.
        count(*) + lane_shares.more + coalesce(sum(refusals), 0) AS many
    FROM locked_tickets locked CROSS JOIN lane_shares CROSS JOIN LATERAL (
        SELECT (SELECT count(*) FROM past_offers past WHERE past.id = locked.id)
             + (SELECT count(*) FROM affinities met WHERE met.id = locked.id AND met.blocked)
            AS refusals
    ) refused
    GROUP BY locked.lane, lane_shares.more
), chosen_agents AS (
    SELECT fit.agent_id FROM agents_wanted wanted CROSS JOIN LATERAL (
        SELECT f.agent_id FROM agents_freeagententry f JOIN agents_presence p USING (agent_id)
        WHERE f.language = split_part(wanted.lane, '/', 1)
          AND coalesce(f.abilities @> wanted.needs, false)
          AND p.seen_at > %(heard)s
        ORDER BY f.idle_since LIMIT wanted.many
    ) fit
    UNION
    SELECT met.agent_id FROM affinities met JOIN agents_presence p USING (agent_id)
    WHERE NOT met.blocked AND p.seen_at > %(heard)s
)
