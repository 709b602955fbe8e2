"""Refreshes what a process keeps in memory, outside the requests."""

from collections.abc import Callable
from datetime import datetime

from dispatch.realtime import notifier
from dispatch.realtime.background_job import BackgroundJob


class BackgroundRefresh:
    """Runs the work for the latest time that was requested."""

    def __init__(self, name: str, work: Callable[[datetime], object]) -> None:
        self.job = BackgroundJob(name, self._work)
        self._read = work
        self._at: datetime

    def request(self, *, at: datetime) -> None:
        """Have the process's engine run the work."""
        self._at = at
        notifier.get_engine().refresh(self.job)

    def _work(self) -> None:
        self._read(self._at)
