-- Takes or keeps the scheduler's lock; returns whether this connection has it.
-- Runs at each tick, because a connection that was replaced has lost the lock silently.
SELECT CASE WHEN EXISTS (
    SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid() AND granted
      AND classid = (%(key)s::bigint >> 32)::oid AND objid = (%(key)s & 4294967295)::oid
) THEN true ELSE pg_try_advisory_lock(%(key)s)
    -- A leader that is frozen, or whose host is gone, keeps its connection. PostgreSQL ends it
    -- after ten idle seconds, and another process leads.
    AND set_config('idle_session_timeout', '10s', false) IS NOT NULL END
