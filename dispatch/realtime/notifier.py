"""Hints make things fast and may be lost at any moment: the scheduler makes things certain.

A hint is given to the process's engine, which makes nobody wait. The setting REALTIME_ENGINE names
its class; tests name one that does everything at once.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, Protocol

from celery import Signature, Task
from channels.layers import channel_layers
from channels_redis.pubsub import RedisPubSubChannelLayer
from django.conf import settings
from django.utils.module_loading import import_string

from dispatch.realtime.background import BackgroundJob
from dispatch.realtime.wakeup import WakeSignal


class RealtimeEngine(Protocol):
    """What carries hints, and does beside the requests what they must not wait for."""

    def publish(self, channel: str, message: bytes) -> None: ...

    def enqueue(self, task: Task) -> None: ...

    def wake(
        self, signal: WakeSignal, task: Task | Signature, work: Callable[[], object]
    ) -> None: ...

    def refresh(self, job: BackgroundJob) -> None: ...


@cache
def load_engine(path: str) -> RealtimeEngine:
    """The engine of this class; one in each process."""
    engine: RealtimeEngine = import_string(path)()
    return engine


def engine() -> RealtimeEngine:
    return load_engine(settings.REALTIME_ENGINE)


def enqueue(task: Task) -> None:
    """Have this Celery task run as soon as may be."""
    engine().enqueue(task)


def wake(signal: WakeSignal, task: Task | Signature, work: Callable[[], object]) -> None:
    """Have this work done as soon as may be, by the task that stands by for it."""
    engine().wake(signal, task, work)


def publish(group: str, message: dict[str, Any]) -> None:
    """Send a message to a group of sockets, in the very form the channel layer would."""
    layer: RedisPubSubChannelLayer = channel_layers["default"]
    channel = f"{settings.CHANNEL_PREFIX}__group__{group}"
    engine().publish(channel, layer.serialize(message))
