"""Runs one kind of work in a thread of this process, outside the requests."""

import logging
import threading
from collections.abc import Callable

from django.db import close_old_connections

log = logging.getLogger(__name__)


class BackgroundJob:
    """Requests that arrive before the job starts are merged into one run. Failures are logged."""

    def __init__(self, name: str, work: Callable[[], None]) -> None:
        self.name, self.work = name, work
        self._requested = threading.Event()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    def request(self) -> None:
        """Request a run. The first request starts the thread, because a fork does not inherit
        threads.
        """
        self._requested.set()
        if self._thread and self._thread.is_alive():
            return
        with self._starting:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name=self.name, daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while True:
            self._requested.wait()
            self._requested.clear()
            try:
                # The thread's database connection may have been lost since its last run.
                close_old_connections()
                self.work()
            except Exception as broken:
                log.warning("%s failed: %s", self.name, type(broken).__name__)
