"""The estimator of this process, read anew every few seconds beside the requests.

A quote therefore costs a look and no query.
"""

import threading
from datetime import datetime

from dispatch.realtime.refresh import BackgroundRefresh
from dispatch.waits import pool
from dispatch.waits.estimator import WaitEstimator
from tickets.models import Ticket

#: Seconds. What is older than the first is read anew meanwhile; older than the second, before.
REMEMBERED, STALE = 5.0, 15.0


class EstimatorCache:
    """The newest estimator of this process."""

    def __init__(self) -> None:
        self._reading = threading.Lock()
        self._view: WaitEstimator | None = None
        self._refresh = BackgroundRefresh("forecast", lambda at: self._renewed(at=at))

    def estimator(self, *, at: datetime) -> WaitEstimator:
        known = self._view
        if known and known.age < REMEMBERED:
            return known
        if known and known.age < STALE:
            self._refresh.request(at=at)
            return self._view or known
        return self._renewed(at=at)

    def add(self, ticket: Ticket) -> None:
        if self._view:
            self._view.add(ticket)

    def forget(self) -> None:
        self._view = None

    def _renewed(self, *, at: datetime) -> WaitEstimator:
        with self._reading:
            if self._view is None or self._view.age >= REMEMBERED:
                self._view = WaitEstimator(pool.read(at=at))
            return self._view


#: The cache of this process.
CACHE = EstimatorCache()
estimator, add, forget = CACHE.estimator, CACHE.add, CACHE.forget
