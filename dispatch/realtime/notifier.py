"""Hints make things fast and may be lost at any moment: the scheduler makes things certain.

A hint never makes anyone wait and never fails: it is left in memory, and one thread of the process
carries what has gathered to Valkey. A frozen Valkey therefore costs a request nothing.
"""

from collections import deque
from collections.abc import Callable
from typing import Any

import redis
from celery import Signature, Task
from channels.layers import channel_layers
from channels_redis.pubsub import RedisPubSubChannelLayer
from django.conf import settings

from dispatch.realtime.background import BackgroundJob
from dispatch.realtime.wakeup import WakeSignal, connect, pipeline

MOST_WAITING = 10_000


class Notifier:
    """The thread that carries hints, started when the first one is given."""

    def __init__(self) -> None:
        self._news: deque[tuple[str, bytes]] = deque(maxlen=MOST_WAITING)
        self._tasks: set[Task] = set()
        self._bells: dict[WakeSignal, Task | Signature] = {}
        self._errand = BackgroundJob("hints", self._carry)
        self._server: redis.Redis | None = None

    def publish(self, channel: str, message: bytes) -> None:
        """Publish on a channel, soon."""
        self._news.append((channel, message))
        self._errand.request()

    def enqueue(self, task: Task) -> None:
        """Have a Celery task run, soon; asked several times meanwhile, it runs once."""
        self._tasks.add(task)
        self._errand.request()

    def wake(self, bell: WakeSignal, task: Task | Signature) -> None:
        """Wake whoever stands by at this bell, or have the task run that does."""
        self._bells[bell] = task
        self._errand.request()

    def _carry(self) -> None:
        self._tell_all()
        self._ring_all()

    def _ring_all(self) -> None:
        while self._bells:
            bell, task = self._bells.popitem()
            if bell.send(self._connection()):
                task.apply_async(retry=False)
        while self._tasks:
            self._tasks.pop().apply_async(retry=False)

    def _tell_all(self) -> None:
        batch = [self._news.popleft() for _ in range(len(self._news))]
        if not batch:
            return
        pipeline(self._connection(), [("PUBLISH", channel, message) for channel, message in batch])

    def _connection(self) -> redis.Redis:
        if self._server is None:
            self._server = connect(socket_timeout=2, socket_connect_timeout=1)
        return self._server


_carrier = Notifier()


def enqueue(task: Task) -> None:
    """Have this Celery task run as soon as may be."""
    if settings.HINTS_INLINE:
        task.apply()
    else:
        _carrier.enqueue(task)


def wake(bell: WakeSignal, task: Task | Signature, work: Callable[[], None]) -> None:
    """Have this work done as soon as may be, by the task that stands by for it."""
    if settings.HINTS_INLINE:
        work()
    else:
        _carrier.wake(bell, task)


def publish(group: str, message: dict[str, Any]) -> None:
    """Send a message to a group of sockets, in the very form the channel layer would."""
    layer: RedisPubSubChannelLayer = channel_layers["default"]
    _carrier.publish(f"{settings.CHANNEL_PREFIX}__group__{group}", layer.serialize(message))
