-- Reads the tickets and agents as JSON arrays; the braces are filled with the row classes' fields.
SELECT (
    SELECT json_agg(json_build_array({ticket})) FROM (
        SELECT locked.id, locked.lane, locked.topic, locked.urgency, locked.queued_at,
            locked.due_at, locked.skills,
            c.id AS client_id, c.slug AS client_slug, c.name AS client_name,
            (SELECT json_agg(json_build_array({past_offer}))
             FROM past_offers past WHERE past.id = locked.id) AS past_offers,
            (SELECT json_agg(json_build_array({affinity}))
             FROM affinities met WHERE met.id = locked.id) AS affinities
        FROM locked_tickets locked JOIN tickets_client c ON c.id = locked.client_id
    ) ticket_rows
)::text, (
    SELECT json_agg(json_build_array({agent})) FROM (
        SELECT p.agent_id AS id, array_to_string(p.abilities, ' ') AS abilities, p.idle_since,
            p.capacity - p.load AS room,
            CASE WHEN p.worked_on = %(today)s THEN p.worked_today ELSE 0 END AS worked_today,
            coalesce(s.reviews, 0) AS reviews, coalesce(s.good, 0) AS good_reviews, u.language
        FROM chosen_agents JOIN agents_presence p USING (agent_id)
        JOIN agents_agent a ON a.id = p.agent_id AND a.status = 'approved'
        JOIN agents_user u ON u.id = a.user_id
        LEFT JOIN dispatch_agentrating s ON s.agent_id = p.agent_id
    ) agent_rows
)::text
