-- Reads the newest offers that should be on a screen by now and are on none, and whose they are.
SELECT id, agent_id FROM dispatch_offer
WHERE status = 'sent' AND sent_at < statement_timestamp() - %(overdue)s::interval
ORDER BY sent_at DESC LIMIT 1000
