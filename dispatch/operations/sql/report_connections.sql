-- Writes down how many sockets this live server holds, and forgets the servers gone for a day.
WITH forgotten AS (
    DELETE FROM dispatch_liveserver WHERE seen_at < %(at)s - interval '1 day'
)
INSERT INTO dispatch_liveserver (name, sockets, seen_at) VALUES (%(name)s, %(sockets)s, %(at)s)
ON CONFLICT (name) DO UPDATE SET sockets = excluded.sockets, seen_at = excluded.seen_at
