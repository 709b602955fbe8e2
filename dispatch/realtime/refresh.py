"""What a process keeps in memory and reads anew beside the requests."""

from collections.abc import Callable
from datetime import datetime

from dispatch.realtime import notifier
from dispatch.realtime.background import BackgroundJob


class BackgroundRefresh:
    """Reads something anew, as of the last moment at which that was asked for."""

    def __init__(self, name: str, work: Callable[[datetime], object]) -> None:
        self.job = BackgroundJob(name, self._work)
        self._read = work
        self._at: datetime

    def request(self, *, at: datetime) -> None:
        """Have it done by the process's engine."""
        self._at = at
        notifier.engine().refresh(self.job)

    def _work(self) -> None:
        self._read(self._at)
