"""The clock: whatever falls due, found in PostgreSQL. It makes certain what Celery makes fast."""

import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from django.db import DatabaseError, connection
from structlog.contextvars import bound_contextvars, clear_contextvars

from agents import presence, roster
from dispatch import assignments, offers
from dispatch.waves import wave
from tickets import clock

logger = logging.getLogger(__name__)

#: "clock" in ASCII: whoever holds this advisory lock is the one clock.
LEADER = 0x636C6F636B

DUE: list[tuple[str, Callable[[datetime], int]]] = [
    ("offers expired", lambda at: offers.expire_overdue(at=at)),
    ("further agents may be asked", lambda at: wave.reopen_hesitant(at=at)),
    ("levels lowered", lambda at: wave.lower_levels(at=at)),
    ("certificates over", lambda at: roster.end_certificates(at=at)),
    ("agents silent", lambda at: presence.sweep_silent(at=at)),
    ("agents gone", lambda at: assignments.sweep_gone(at=at)),
    ("offers to the gone", lambda at: offers.sweep_gone(at=at)),
    ("wrap-ups over", lambda at: assignments.finish_overdue(at=at)),
    ("customers told", lambda at: wave.give_up_overdue(at=at)),
    ("offers made", lambda at: wave.match_missed(at=at)),
]

# Checked at each tick, because a connection that was lost and reopened has lost the lock silently.
# A frozen leader keeps its connection. PostgreSQL ends it after ten idle seconds, so that another
# process can lead.
LEAD = """
SELECT CASE WHEN EXISTS (
    SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid() AND granted
      AND classid = (%(key)s::bigint >> 32)::oid AND objid = (%(key)s & 4294967295)::oid
) THEN true ELSE pg_try_advisory_lock(%(key)s)
    AND set_config('idle_session_timeout', '10s', false) IS NOT NULL END
"""
BEAT = """
INSERT INTO dispatch_clockheartbeat (id, leader, beat_at, lag_ms, took_ms)
VALUES (1, %(leader)s, clock_timestamp(), %(lag)s, %(took)s)
ON CONFLICT (id) DO UPDATE SET leader = excluded.leader, beat_at = excluded.beat_at,
    lag_ms = excluded.lag_ms, took_ms = excluded.took_ms
"""


def lead() -> bool:
    """Take the lead if it is free. True while this process leads, which its connection decides."""
    with connection.cursor() as cursor:
        cursor.execute(LEAD, {"key": LEADER})
        row = cursor.fetchone()
    return bool(row[0])


def beat(*, leader: str, lag_ms: int, took_ms: int) -> None:
    """Record that a tick is done: how late it began and how long it took."""
    with connection.cursor() as cursor:
        cursor.execute(BEAT, {"leader": leader, "lag": lag_ms, "took": took_ms})


def tick() -> dict[str, int]:
    """Run every verb of DUE. One that fails does not keep the others from running."""
    done = {}
    for name, verb in DUE:
        clear_contextvars()
        with bound_contextvars(due=name):
            done[name] = attempt(name, verb)
    clear_contextvars()
    return {name: count for name, count in done.items() if count}


def attempt(name: str, verb: Callable[[datetime], int]) -> int:
    """The number of rows the verb changed; 0 if it failed."""
    try:
        return verb(clock.now())
    except Exception:
        logger.exception("clock: %s", name)
        with suppress(DatabaseError):
            connection.close_if_unusable_or_obsolete()
    return 0
