-- Makes the deliveries due again that were claimed by a sender who is gone.
UPDATE tickets_webhookdelivery SET
    sender = NULL, next_attempt_at = next_attempt_at - %(claim)s::interval
-- A sender is known by its connection, which ends with it. A pooler may keep the connection for
-- somebody else: then the claim has to run out.
WHERE sender IS NOT NULL AND delivered_at IS NULL AND dead_at IS NULL AND NOT EXISTS (
    SELECT 1 FROM pg_stat_activity line WHERE line.pid = sender AND (
        line.backend_start IS NULL
        OR line.backend_start <= next_attempt_at - %(claim)s::interval))
