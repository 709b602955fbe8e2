"""Readiness: whether this installation can work now, with a figure for each part.

Not ready means: PostgreSQL or Valkey does not answer within a second; the scheduler is more than
ten seconds late or never ran; an event waits more than a minute for its first attempt. An endpoint
that is down does not count, because its events were attempted.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import redis
from django.conf import settings
from django.db import connection

from dispatch.models import SchedulerHeartbeat
from dispatch.operations import metrics
from tickets import clock

PATIENCE = 0.9
MAX_SCHEDULER_LAG = 10.0
OLDEST_EVENT = 60.0

Checks = dict[str, dict[str, Any]]


class ReadinessCheck:
    """A check in its own thread, because a frozen server may never answer.

    Concurrent callers wait for the same answer, so a frozen server blocks one thread only.
    """

    def __init__(self, look: Callable[[], Checks]) -> None:
        self._look = look
        self._lock = threading.Lock()
        self._asked: Future[Checks] | None = None

    def ask(self) -> Future[Checks]:
        with self._lock:
            if self._asked is None or self._asked.done():
                self._asked = Future()
                threading.Thread(target=self._answer, args=(self._asked,), daemon=True).start()
            return self._asked

    def _answer(self, asked: "Future[Checks]") -> None:
        try:
            asked.set_result(self._look())
        except Exception as trouble:
            asked.set_exception(trouble)


def check_database() -> Checks:
    """Check PostgreSQL over a new connection, because a server may refuse new connections only."""
    try:
        at = clock.now()
        beat = SchedulerHeartbeat.objects.first()
        lag = metrics.lag(beat, at=at) if beat else None
        oldest = metrics.oldest_untried(at=at)
    finally:
        connection.close()
    return {
        "postgresql": {"ok": True},
        "scheduler": {"ok": lag is not None and lag <= MAX_SCHEDULER_LAG, "lag_s": lag},
        "events": {"ok": oldest <= OLDEST_EVENT, "oldest_unsent_s": oldest},
    }


def check_valkey() -> Checks:
    """Check Valkey with a write, because a full Valkey still answers reads."""
    with redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE
    ) as server:
        server.set(f"{settings.CHANNEL_PREFIX}:ready", 1, ex=60)
    return {"valkey": {"ok": True}}


DATABASE = ReadinessCheck(check_database)
VALKEY = ReadinessCheck(check_valkey)


def run_checks() -> Checks:
    """Run each check and report its figure, within a second even if a server is frozen."""
    asked = {"postgresql": DATABASE.ask(), "valkey": VALKEY.ask()}
    found: Checks = {
        name: {"ok": False} for name in ("postgresql", "valkey", "scheduler", "events")
    }
    for name, answer in asked.items():
        try:
            found |= answer.result(timeout=PATIENCE)
        except Exception as trouble:
            found[name] = {"ok": False, "error": type(trouble).__name__}
    return found
