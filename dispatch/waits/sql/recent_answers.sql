-- Reads how long the newest offers took to be answered, and whether they were accepted.
-- All agents are read together, so that no agent's behaviour can be read from it.
SELECT status = 'accepted', greatest(extract(epoch FROM settled_at - sent_at)::float8, 0)
FROM dispatch_offer
WHERE sent_at > %(since)s AND status IN ('accepted', 'declined', 'expired', 'missed_connectivity')
ORDER BY id DESC LIMIT 300
