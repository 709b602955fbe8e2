"""An errand: work that one thread of this process does beside the requests."""

import logging
import threading
from collections.abc import Callable

from django.db import close_old_connections

log = logging.getLogger(__name__)


class BackgroundJob:
    """Asked for several times before it is begun, the work is done once; failing, it is logged."""

    def __init__(self, name: str, work: Callable[[], None]) -> None:
        self.name, self.work = name, work
        self._asked = threading.Event()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    def request(self) -> None:
        """Have it done soon. The thread is begun by the first who asks: forks don't take it on."""
        self._asked.set()
        if self._thread and self._thread.is_alive():
            return
        with self._starting:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name=self.name, daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while True:
            self._asked.wait()
            self._asked.clear()
            try:
                # What the thread asked the database by last time may have been lost since.
                close_old_connections()
                self.work()
            except Exception as broken:
                log.warning("%s failed: %s", self.name, type(broken).__name__)
