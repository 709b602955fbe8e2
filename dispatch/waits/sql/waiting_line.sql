-- Reads the tickets that wait, in the order in which it is their turn.
SELECT t.due_at - t.urgency * %(head_start)s::interval AS turn_at, t.lane, c.slug, t.topic
FROM tickets_ticket t JOIN tickets_client c ON c.id = t.client_id
WHERE t.status = 'queued' AND NOT t.offered AND t.give_up_at > %(at)s
ORDER BY turn_at LIMIT %(most)s
