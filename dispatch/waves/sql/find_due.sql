-- Reads whether a ticket waits to be offered, and the time. Costs one look-up in an index.
SELECT clock_timestamp(), EXISTS (
    SELECT 1 FROM tickets_ticket WHERE status = 'queued' AND NOT offered)
