-- Reads the median handle time of each client and topic with enough recent conversations.
SELECT t.client_id, t.topic,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY a.finished_at - a.started_at)
FROM dispatch_assignment a JOIN tickets_ticket t ON t.id = a.ticket_id
WHERE a.finished_at > %(since)s AND a.ending IN ('resolved', 'handed_back')
-- Five are enough for a median in a price; `duration_quantiles.sql` needs twenty.
GROUP BY 1, 2 HAVING count(*) >= %(enough)s
