"""Hints arrive fast while Valkey works, and delay nobody while it does not."""

import os
import re
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
import redis
from celery import Task
from channels.layers import channel_layers
from django.conf import settings as given

from dispatch.realtime import background_engine, notifier
from dispatch.realtime.background_engine import BackgroundEngine
from dispatch.realtime.wake_signal import WakeSignal
from dispatch.tasks import SHARDS, run_until_idle, run_waves
from tickets.tasks import deliver_webhooks

AT_ONCE = 0.2
#: Parallel test processes share one Valkey.
CHANNEL = f"channel-{uuid4()}"


class Listener:
    """A subscriber of a channel of the real Valkey."""

    def __init__(self, channel: str) -> None:
        self.server = redis.Redis.from_url(given.REDIS_URL)
        self.subscribed = self.server.pubsub(ignore_subscribe_messages=True)
        self.subscribed.subscribe(channel)
        self.receive()

    def receive(self, *, seconds: float = 0.3) -> bytes | None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if message := self.subscribed.get_message(timeout=0.05):
                return cast(bytes, message["data"])
        return None

    def close(self) -> None:
        self.subscribed.close()
        self.server.close()


@pytest.fixture
def listener() -> Iterator[Listener]:
    listener = Listener(CHANNEL)
    yield listener
    listener.close()


@pytest.fixture
def valkey_path(tmp_path_factory: pytest.TempPathFactory, settings: Any) -> Path:
    """The path of a socket that does not exist yet, at which the engine expects Valkey."""
    path = tmp_path_factory.mktemp("v") / "s"
    settings.REDIS_URL = f"unix://{path}"
    return path


def link_valkey(valkey_path: Path, address: str) -> None:
    valkey_path.symlink_to(urlsplit(address).path)


def measure_call(call: Any, *given: Any) -> float:
    before = time.monotonic()
    call(*given)
    return time.monotonic() - before


def test_published_message_arrives(listener: Listener) -> None:
    BackgroundEngine().publish(CHANNEL, b"message")

    assert listener.receive(seconds=2) == b"message"


def test_published_messages_arrive_in_order(listener: Listener) -> None:
    carrier = BackgroundEngine()

    for number in range(5):
        carrier.publish(CHANNEL, str(number).encode())

    assert [listener.receive(seconds=2) for _ in range(5)] == [b"0", b"1", b"2", b"3", b"4"]


def test_publishing_without_valkey_does_not_wait(listener: Listener, valkey_path: Path) -> None:
    address, carrier = os.environ["REDIS_URL"], BackgroundEngine()

    took = [measure_call(carrier.publish, CHANNEL, b"lost") for _ in range(20)]
    assert listener.receive() is None
    link_valkey(valkey_path, address)
    carrier.publish(CHANNEL, b"later")

    assert max(took) < AT_ONCE
    assert listener.receive(seconds=3) == b"later"


def test_publishing_to_a_frozen_valkey_does_not_wait(listener: Listener, valkey_path: Path) -> None:
    address, carrier = os.environ["REDIS_URL"], BackgroundEngine()
    frozen = socket.socket(socket.AF_UNIX)
    frozen.bind(str(valkey_path))
    frozen.listen()

    took = [measure_call(carrier.publish, CHANNEL, b"gathered meanwhile") for _ in range(20)]
    assert listener.receive() is None
    valkey_path.unlink()
    frozen.close()
    link_valkey(valkey_path, address)
    carrier.publish(CHANNEL, b"later")

    received = [listener.receive(seconds=5)]
    while received[-1] == b"gathered meanwhile":
        received.append(listener.receive())
    assert max(took) < AT_ONCE
    assert received[-1] == b"later"


def test_queued_messages_are_limited() -> None:
    carrier = BackgroundEngine()
    carrier._job.request = lambda: None  # type: ignore[method-assign]

    for number in range(background_engine.MOST_WAITING + 5):
        carrier.publish(CHANNEL, str(number).encode())

    assert len(carrier._messages) == background_engine.MOST_WAITING


class SlowTask:
    """A task whose broker does not answer until it is released."""

    def __init__(self) -> None:
        self.let_go = threading.Event()
        self.starts = 0

    def apply_async(self, *, retry: bool) -> None:
        self.starts += 1
        self.let_go.wait(5)


def test_enqueuing_does_not_wait_for_the_broker_and_starts_a_task_once() -> None:
    carrier, task = BackgroundEngine(), SlowTask()

    took = [measure_call(carrier.enqueue, cast(Task, task)) for _ in range(20)]
    task.let_go.set()
    for _ in range(100):
        if task.starts == 2:
            break
        time.sleep(0.01)

    assert max(took) < AT_ONCE
    assert task.starts <= 2


@pytest.mark.usefixtures("no_worker")
def test_enqueued_task_carries_no_personal_data(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Another test's platform would take the tasks from the usual queues, or hear the usual signal.
    queue = f"queue-{uuid4()}"
    options = deliver_webhooks._get_exec_options() | {"queue": queue}
    monkeypatch.setattr(deliver_webhooks, "_exec_options", options)
    server = redis.Redis.from_url(given.REDIS_URL)
    notifier.wake(
        WakeSignal(f"test-{uuid4()}"), run_waves.s(*SHARDS[0]).set(queue=queue), run_until_idle
    )
    notifier.enqueue(deliver_webhooks)

    names, waiting = [b"dispatch.tasks.run_waves", b"tickets.tasks.deliver_webhooks"], []
    for _ in range(250):
        waiting = cast("list[bytes]", server.lrange(f"releve:{queue}", 0, -1))
        if all(any(name in message for message in waiting) for name in names):
            break
        time.sleep(0.02)
    server.delete(f"releve:{queue}")
    server.close()
    assert all(any(name in message for message in waiting) for name in names)
    # The arguments are a shard's numbers or nothing, so they cannot hold anything personal.
    numbers = re.compile(rb'"argsrepr": "\((\d+, \d+)?\)", "kwargsrepr": "{}"')
    assert [message for message in waiting if not numbers.search(message)] == []


def test_published_message_has_the_format_of_the_channel_layer() -> None:
    layer = channel_layers["default"]
    listener = Listener(f"releve__group__{CHANNEL}")

    notifier.publish(CHANNEL, {"type": "update", "text": "é"})

    received = listener.receive(seconds=2)
    listener.close()
    assert received is not None
    assert layer.deserialize(received) == {"type": "update", "text": "é"}
