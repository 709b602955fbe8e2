"""The engine of production: one thread of the process carries what has gathered to Valkey.

What is asked of it never waits and never fails. A frozen Valkey therefore costs a request nothing.
"""

from collections import deque
from collections.abc import Callable

import redis
from celery import Signature, Task

from dispatch.realtime.background import BackgroundJob
from dispatch.realtime.wakeup import WakeSignal, connect, pipeline

MOST_WAITING = 10_000


class BackgroundEngine:
    """Leaves everything to threads, which are started when the first thing is asked for."""

    def __init__(self) -> None:
        self._news: deque[tuple[str, bytes]] = deque(maxlen=MOST_WAITING)
        self._tasks: set[Task] = set()
        self._signals: dict[WakeSignal, Task | Signature] = {}
        self._job = BackgroundJob("hints", self._carry)
        self._server: redis.Redis | None = None

    def publish(self, channel: str, message: bytes) -> None:
        """Publish on a channel, soon."""
        self._news.append((channel, message))
        self._job.request()

    def enqueue(self, task: Task) -> None:
        """Have a Celery task run, soon; asked several times meanwhile, it runs once."""
        self._tasks.add(task)
        self._job.request()

    def wake(self, signal: WakeSignal, task: Task | Signature, work: Callable[[], object]) -> None:
        """Wake the task that stands by for this work, or have it started."""
        self._signals[signal] = task
        self._job.request()

    def refresh(self, job: BackgroundJob) -> None:
        """Have the job's own thread do it."""
        job.request()

    def _carry(self) -> None:
        try:
            self._publish_all()
            self._wake_all()
        finally:
            # A hint that fails is dropped. It must not keep those behind it waiting for the next.
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
        batch = [self._news.popleft() for _ in range(len(self._news))]
        if not batch:
            return
        pipeline(self._connection(), [("PUBLISH", channel, message) for channel, message in batch])

    def _connection(self) -> redis.Redis:
        if self._server is None:
            self._server = connect(socket_timeout=2, socket_connect_timeout=1)
        return self._server
