-- Reads which of these offers are of agents who have their offers accepted for them.
SELECT o.id FROM dispatch_offer o JOIN agents_presence p USING (agent_id)
WHERE o.id = ANY(%(offers)s::uuid[]) AND p.auto_accept
