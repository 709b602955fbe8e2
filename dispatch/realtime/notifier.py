"""Hints make the platform fast and may be lost at any moment; the scheduler makes it correct.

The process's engine takes each hint without waiting. The setting REALTIME_ENGINE names its class;
tests name one that runs everything at once.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, Protocol

from celery import Signature, Task
from channels.layers import channel_layers
from channels_redis.pubsub import RedisPubSubChannelLayer
from django.conf import settings
from django.utils.module_loading import import_string

from dispatch.realtime.background_job import BackgroundJob
from dispatch.realtime.wake_signal import WakeSignal


class RealtimeEngine(Protocol):
    """Carries hints, and runs work that requests must not wait for."""

    def publish(self, channel: str, message: bytes) -> None: ...

    def enqueue(self, task: Task) -> None: ...

    def wake(
        self, signal: WakeSignal, task: Task | Signature, work: Callable[[], object]
    ) -> None: ...

    def refresh(self, job: BackgroundJob) -> None: ...


@cache
def load_engine(path: str) -> RealtimeEngine:
    """Return the engine of this class; each process has one."""
    engine: RealtimeEngine = import_string(path)()
    return engine


def get_engine() -> RealtimeEngine:
    return load_engine(settings.REALTIME_ENGINE)


def enqueue(task: Task) -> None:
    """Start this Celery task soon."""
    get_engine().enqueue(task)


def wake(signal: WakeSignal, task: Task | Signature, work: Callable[[], object]) -> None:
    """Have this work done soon by the task that waits for it."""
    get_engine().wake(signal, task, work)


def publish(group: str, message: dict[str, Any]) -> None:
    """Send a message to a group of WebSockets, in the format of the channel layer."""
    layer: RedisPubSubChannelLayer = channel_layers["default"]
    channel = f"{settings.CHANNEL_PREFIX}__group__{group}"
    get_engine().publish(channel, layer.serialize(message))
