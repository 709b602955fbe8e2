-- Takes or keeps the lock of the one clock; says whether this connection has it.
-- Asked each time: a connection that was lost and made anew has lost the lock with it, silently.
SELECT CASE WHEN EXISTS (
    SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid() AND granted
      AND classid = (%(key)s::bigint >> 32)::oid AND objid = (%(key)s & 4294967295)::oid
) THEN true ELSE pg_try_advisory_lock(%(key)s)
    -- A leader that is frozen, or whose host is gone, keeps its connection; PostgreSQL ends that
    -- after ten idle seconds, and another leads.
    AND set_config('idle_session_timeout', '10s', false) IS NOT NULL END
