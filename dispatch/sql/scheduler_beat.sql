-- Writes down that the scheduler finished a tick: how late it began and how long it took.
INSERT INTO dispatch_schedulerheartbeat (id, leader, beat_at, lag_ms, took_ms)
VALUES (1, %(leader)s, clock_timestamp(), %(lag)s, %(took)s)
ON CONFLICT (id) DO UPDATE SET leader = excluded.leader, beat_at = excluded.beat_at,
    lag_ms = excluded.lag_ms, took_ms = excluded.took_ms
