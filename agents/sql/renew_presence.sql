-- Renews the presence of these agents, unless they were found gone.
UPDATE agents_presence SET seen_at = %(at)s
-- Takes an array, so that the statement is the same for any number and planned once.
WHERE agent_id = ANY(%(agents)s::uuid[]) AND status = ANY(%(here)s::text[])
