"""The engine of production: one thread of the process sends queued messages to Valkey.

A call never waits and never fails, so a frozen Valkey costs a request no time.
"""

from collections import deque
from collections.abc import Callable

import redis
from celery import Signature, Task

from dispatch.realtime.background_job import BackgroundJob
from dispatch.realtime.wake_signal import WakeSignal, connect, run_pipeline

MOST_WAITING = 10_000


class BackgroundEngine:
    """Passes all work to threads, which start with the first call."""

    def __init__(self) -> None:
        self._messages: deque[tuple[str, bytes]] = deque(maxlen=MOST_WAITING)
        self._tasks: set[Task] = set()
        self._signals: dict[WakeSignal, Task | Signature] = {}
        self._job = BackgroundJob("hints", self._send_all)
        self._server: redis.Redis | None = None

    def publish(self, channel: str, message: bytes) -> None:
        """Publish on a channel, soon."""
        self._messages.append((channel, message))
        self._job.request()

    def enqueue(self, task: Task) -> None:
        """Start a Celery task, soon. Calls that arrive before that start it once."""
        self._tasks.add(task)
        self._job.request()

    def wake(self, signal: WakeSignal, task: Task | Signature, work: Callable[[], object]) -> None:
        """Wake the task that waits for this work, or start it."""
        self._signals[signal] = task
        self._job.request()

    def refresh(self, job: BackgroundJob) -> None:
        """Run the job in its own thread."""
        job.request()

    def _send_all(self) -> None:
        try:
            self._publish_all()
            self._wake_all()
        finally:
            # A failed hint is dropped. The others must not wait for the next request.
            if self._signals or self._tasks:
                self._job.request()

    def _wake_all(self) -> None:
        while self._signals:
            signal, task = self._signals.popitem()
            if signal.send(self._connection()):
                task.apply_async(retry=False)
        while self._tasks:
            self._tasks.pop().apply_async(retry=False)

    def _publish_all(self) -> None:
        batch = [self._messages.popleft() for _ in range(len(self._messages))]
        if not batch:
            return
        run_pipeline(
            self._connection(), [("PUBLISH", channel, message) for channel, message in batch]
        )

    def _connection(self) -> redis.Redis:
        if self._server is None:
            self._server = connect(socket_timeout=2, socket_connect_timeout=1)
        return self._server
