"""The wait estimator of this process, refreshed every few seconds outside the requests.

A quote therefore costs no query.
"""

import threading
from datetime import datetime

from dispatch.realtime.refresh import BackgroundRefresh
from dispatch.waits import pool
from dispatch.waits.estimator import WaitEstimator
from tickets.models import Ticket

#: Seconds. Older than the first: refreshed in the background. Older than the second: before use.
FRESH, STALE = 5.0, 15.0


class EstimatorCache:
    """The newest estimator of this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._estimator: WaitEstimator | None = None
        self._refreshing = BackgroundRefresh("forecast", lambda at: self._read_estimator(at=at))

    def get_estimator(self, *, at: datetime) -> WaitEstimator:
        known = self._estimator
        if known and known.age < FRESH:
            return known
        if known and known.age < STALE:
            self._refreshing.request(at=at)
            return self._estimator or known
        return self._read_estimator(at=at)

    def add(self, ticket: Ticket) -> None:
        if self._estimator:
            self._estimator.add(ticket)

    def clear(self) -> None:
        self._estimator = None

    def _read_estimator(self, *, at: datetime) -> WaitEstimator:
        with self._lock:
            if self._estimator is None or self._estimator.age >= FRESH:
                self._estimator = WaitEstimator(pool.read(at=at))
            return self._estimator


#: The cache of this process.
CACHE = EstimatorCache()
get_estimator, add, clear = CACHE.get_estimator, CACHE.add, CACHE.clear
