"""Notifies open pages of changes. The pages then read the changes from the store."""

import asyncio
import signal
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class News:
    def __init__(self) -> None:
        self.over = False
        self._listeners: dict[str, set[asyncio.Event]] = defaultdict(set)

    @contextmanager
    def listen(self, visitor: str) -> Iterator[asyncio.Event]:
        changed = asyncio.Event()
        self._listeners[visitor].add(changed)
        try:
            yield changed
        finally:
            self._listeners[visitor].discard(changed)
            if not self._listeners[visitor]:
                del self._listeners[visitor]

    def notify(self, visitor: str) -> None:
        for changed in self._listeners.get(visitor, ()):
            changed.set()

    def end_streams(self) -> None:
        """End the streams of all open pages."""
        self.over = True
        for visitor in self._listeners:
            self.notify(visitor)

    def end_on_signals(self) -> None:
        """End the streams when the server is asked to stop, because open streams would delay it."""
        if threading.current_thread() is not threading.main_thread():
            return
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            before = signal.getsignal(number)

            def stop(number: int, frame: FrameType | None, before: object = before) -> None:
                loop.call_soon_threadsafe(self.end_streams)
                if callable(before):
                    before(number, frame)

            signal.signal(number, stop)
