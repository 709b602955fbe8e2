"""The scheduler finds what is due in PostgreSQL. It makes certain what Celery makes fast."""

import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from django.db import DatabaseError, connection
from structlog.contextvars import bound_contextvars, clear_contextvars

from agents import presence, roster
from dispatch import assignments, offers, sql
from dispatch.waves import wave
from tickets import clock

logger = logging.getLogger(__name__)

#: "sched" in ASCII: the holder of this advisory lock is the one scheduler.
LEADER = 0x7363686564

DUE: list[tuple[str, Callable[[datetime], int]]] = [
    ("offers expired", lambda at: offers.expire_overdue(at=at)),
    ("further agents may be asked", lambda at: wave.reopen_hesitant(at=at)),
    ("levels lowered", lambda at: wave.lower_levels(at=at)),
    ("certificates over", lambda at: roster.lapse_certificates(at=at)),
    ("agents silent", lambda at: presence.sweep_silent(at=at)),
    ("agents gone", lambda at: assignments.sweep_gone(at=at)),
    ("offers to absent agents", lambda at: offers.sweep_gone(at=at)),
    ("wrap-ups over", lambda at: assignments.finish_overdue(at=at)),
    ("tickets given up", lambda at: wave.give_up_overdue(at=at)),
    ("offers made", lambda at: wave.match_missed(at=at)),
]

LEAD_SQL = sql.read(__package__, "lead")
BEAT_SQL = sql.read(__package__, "scheduler_beat")


def lead() -> bool:
    """Take the lead if it is free. True while this process leads, which its connection decides."""
    with connection.cursor() as cursor:
        cursor.execute(LEAD_SQL, {"key": LEADER})
        row = cursor.fetchone()
    return bool(row[0])


def beat(*, leader: str, lag_ms: int, took_ms: int) -> None:
    """Record that a tick is done: how late it began and how long it took."""
    with connection.cursor() as cursor:
        cursor.execute(BEAT_SQL, {"leader": leader, "lag": lag_ms, "took": took_ms})


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
        logger.exception("scheduler: %s", name)
        with suppress(DatabaseError):
            connection.close_if_unusable_or_obsolete()
    return 0
