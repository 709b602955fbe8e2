-- Counts the tickets of a language that are served before this one.
-- `open_ticket.sql` counts so too, within the statement that opens the ticket.
SELECT count(*) FROM tickets_ticket WHERE status = 'queued' AND language = %(language)s
    AND (urgency > %(urgency)s OR (urgency = %(urgency)s AND due_at < %(due_at)s))
