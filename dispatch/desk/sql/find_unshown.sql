-- Reads the newest offers that should be displayed by now and are not, with their agents.
SELECT id, agent_id FROM dispatch_offer
WHERE status = 'sent' AND sent_at < statement_timestamp() - %(overdue)s::interval
ORDER BY sent_at DESC LIMIT 1000
