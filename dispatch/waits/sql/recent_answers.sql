-- Reads how long the newest offers took to be answered, and whether the answer was yes.
-- All agents are read together: how one of them answers is nobody's business.
SELECT status = 'accepted', greatest(extract(epoch FROM settled_at - sent_at)::float8, 0)
FROM dispatch_offer
WHERE sent_at > %(since)s AND status IN ('accepted', 'declined', 'expired', 'missed_connectivity')
ORDER BY id DESC LIMIT 300
