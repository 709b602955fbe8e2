-- Reads which of these offers belong to agents who accept automatically.
SELECT o.id FROM dispatch_offer o JOIN agents_presence p USING (agent_id)
WHERE o.id = ANY(%(offers)s::uuid[]) AND p.auto_accept
