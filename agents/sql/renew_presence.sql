-- Notes that the pages of these agents are alive, unless they were found gone.
UPDATE agents_presence SET seen_at = %(at)s
-- With an array it is the same statement however many they are, and so planned once.
WHERE agent_id = ANY(%(agents)s::uuid[]) AND status = ANY(%(here)s::text[])
