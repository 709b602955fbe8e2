"""Hints: fast when Valkey is well, lost without a trace of waiting when it is not."""

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
from dispatch.realtime.wakeup import WakeSignal
from dispatch.tasks import SHARDS, run_until_idle, run_waves
from tickets.tasks import deliver_webhooks

AT_ONCE = 0.2
#: Test processes side by side share one Valkey.
CHANNEL = f"channel-{uuid4()}"


class Ear:
    """Who listens on a channel of the real Valkey."""

    def __init__(self, channel: str) -> None:
        self.server = redis.Redis.from_url(given.REDIS_URL)
        self.subscribed = self.server.pubsub(ignore_subscribe_messages=True)
        self.subscribed.subscribe(channel)
        self.heard()

    def heard(self, *, seconds: float = 0.3) -> bytes | None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if message := self.subscribed.get_message(timeout=0.05):
                return cast(bytes, message["data"])
        return None

    def close(self) -> None:
        self.subscribed.close()
        self.server.close()


@pytest.fixture
def ear() -> Iterator[Ear]:
    ear = Ear(CHANNEL)
    yield ear
    ear.close()


@pytest.fixture
def door(tmp_path_factory: pytest.TempPathFactory, settings: Any) -> Path:
    """A socket's path, where there is nothing yet, that the carrier is told Valkey is at."""
    path = tmp_path_factory.mktemp("v") / "s"
    settings.REDIS_URL = f"unix://{path}"
    return path


def open_to_valkey(door: Path, address: str) -> None:
    door.symlink_to(urlsplit(address).path)


def timed(call: Any, *given: Any) -> float:
    before = time.monotonic()
    call(*given)
    return time.monotonic() - before


def test_what_is_told_arrives(ear: Ear) -> None:
    BackgroundEngine().publish(CHANNEL, b"news")

    assert ear.heard(seconds=2) == b"news"


def test_what_is_told_arrives_in_order(ear: Ear) -> None:
    carrier = BackgroundEngine()

    for number in range(5):
        carrier.publish(CHANNEL, str(number).encode())

    assert [ear.heard(seconds=2) for _ in range(5)] == [b"0", b"1", b"2", b"3", b"4"]


def test_without_valkey_nobody_waits_and_later_news_arrive(ear: Ear, door: Path) -> None:
    address, carrier = os.environ["REDIS_URL"], BackgroundEngine()

    took = [timed(carrier.publish, CHANNEL, b"lost") for _ in range(20)]
    assert ear.heard() is None
    open_to_valkey(door, address)
    carrier.publish(CHANNEL, b"later")

    assert max(took) < AT_ONCE
    assert ear.heard(seconds=3) == b"later"


def test_a_frozen_valkey_makes_nobody_wait_and_later_news_arrive(ear: Ear, door: Path) -> None:
    address, carrier = os.environ["REDIS_URL"], BackgroundEngine()
    frozen = socket.socket(socket.AF_UNIX)
    frozen.bind(str(door))
    frozen.listen()

    took = [timed(carrier.publish, CHANNEL, b"gathered meanwhile") for _ in range(20)]
    assert ear.heard() is None
    door.unlink()
    frozen.close()
    open_to_valkey(door, address)
    carrier.publish(CHANNEL, b"later")

    heard = [ear.heard(seconds=5)]
    while heard[-1] == b"gathered meanwhile":
        heard.append(ear.heard())
    assert max(took) < AT_ONCE
    assert heard[-1] == b"later"


def test_no_more_news_are_kept_than_memory_allows() -> None:
    carrier = BackgroundEngine()
    carrier._job.request = lambda: None  # type: ignore[method-assign]

    for number in range(background_engine.MOST_WAITING + 5):
        carrier.publish(CHANNEL, str(number).encode())

    assert len(carrier._news) == background_engine.MOST_WAITING


class SlowTask:
    """A task whose broker does not answer until it is let go."""

    def __init__(self) -> None:
        self.let_go = threading.Event()
        self.asked = 0

    def apply_async(self, *, retry: bool) -> None:
        self.asked += 1
        self.let_go.wait(5)


def test_ringing_waits_for_no_broker_and_once_is_enough() -> None:
    carrier, task = BackgroundEngine(), SlowTask()

    took = [timed(carrier.enqueue, cast(Task, task)) for _ in range(20)]
    task.let_go.set()
    for _ in range(100):
        if task.asked == 2:
            break
        time.sleep(0.01)

    assert max(took) < AT_ONCE
    assert task.asked <= 2


@pytest.mark.usefixtures("no_worker")
def test_ringing_puts_a_task_without_any_words_into_the_queue(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # A platform another test runs would take them out of the usual ones, or hear the usual bell.
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
    # The numbers of a shard or nothing: nothing personal can be in them.
    numbers = re.compile(rb'"argsrepr": "\((\d+, \d+)?\)", "kwargsrepr": "{}"')
    assert [message for message in waiting if not numbers.search(message)] == []


def test_what_is_told_is_written_as_the_channel_layer_would() -> None:
    layer = channel_layers["default"]
    ear = Ear(f"releve__group__{CHANNEL}")

    notifier.publish(CHANNEL, {"type": "news", "text": "é"})

    heard = ear.heard(seconds=2)
    ear.close()
    assert heard is not None
    assert layer.deserialize(heard) == {"type": "news", "text": "é"}
