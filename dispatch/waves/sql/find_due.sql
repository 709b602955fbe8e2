-- Asks whether anybody waits to be offered, and what time it is, by one look at an index.
SELECT clock_timestamp(), EXISTS (
    SELECT 1 FROM tickets_ticket WHERE status = 'queued' AND NOT offered)
