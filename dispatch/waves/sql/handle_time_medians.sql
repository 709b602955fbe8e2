-- Reads the median handle time of each client and topic where there were enough talks lately.
SELECT t.client_id, t.topic,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY a.finished_at - a.started_at)
FROM dispatch_assignment a JOIN tickets_ticket t ON t.id = a.ticket_id
WHERE a.finished_at > %(since)s AND a.ending IN ('resolved', 'handed_back')
-- Five make a median in a price; the distributions of `duration_quantiles.sql` take twenty.
GROUP BY 1, 2 HAVING count(*) >= %(enough)s
