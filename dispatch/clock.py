"""The clock: whatever falls due, found in PostgreSQL. It makes certain what Celery makes fast."""

import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from django.db import DatabaseError, connection

from agents import presence, roster
from dispatch import assignments, offers, waves
from tickets import clock

logger = logging.getLogger(__name__)

#: "clock" in ASCII: whoever holds this advisory lock is the one clock.
LEADER = 0x636C6F636B

DUE: list[tuple[str, Callable[[datetime], int]]] = [
    ("offers expired", lambda at: offers.expire_overdue(at=at)),
    ("further agents may be asked", lambda at: waves.ask_further(at=at)),
    ("levels lowered", lambda at: waves.relax(at=at)),
    ("certificates over", lambda at: roster.end_certificates(at=at)),
    ("agents silent", lambda at: presence.sweep_silent(at=at)),
    ("agents gone", lambda at: assignments.sweep_gone(at=at)),
    ("offers to the gone", lambda at: offers.sweep_gone(at=at)),
    ("wrap-ups over", lambda at: assignments.finish_overdue(at=at)),
    ("customers told", lambda at: waves.give_up_overdue(at=at)),
    ("offers made", lambda at: waves.run(at=at)),
]


def lead() -> bool:
    """Become the leader, for as long as this connection lives. False when another is."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [LEADER])
        row = cursor.fetchone()
    return bool(row[0])


def tick() -> dict[str, int]:
    """Do all that is due now. One part that fails doesn't keep the others from their turn."""
    done = {}
    for name, verb in DUE:
        try:
            done[name] = verb(clock.now())
        except Exception:
            logger.exception("clock: %s", name)
            with suppress(DatabaseError):
                connection.close_if_unusable_or_obsolete()
    return {name: count for name, count in done.items() if count}
