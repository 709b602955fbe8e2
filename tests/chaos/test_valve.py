"""The valve: messages are dropped, sent again and held back; whatever else is asked passes."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import pytest
import redis

from tests.chaos.valve import OPEN, SHUT, Setting, Valve


@pytest.fixture
def valve() -> Iterator[Valve]:
    target = Path(os.environ["REDIS_URL"].removeprefix("unix://"))
    with (
        TemporaryDirectory(prefix="releve-", dir="/tmp") as folder,
        Valve.opened(Path(folder, "valve.sock"), target) as opened,
    ):
        yield opened


@pytest.fixture
def server(valve: Valve) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(f"unix://{valve.address}", socket_timeout=5) as client:
        yield client


@pytest.fixture
def key(server: redis.Redis) -> Iterator[str]:
    name = f"valve-{uuid4()}"
    yield name
    server.delete(name)


def length(server: redis.Redis, key: str, *, at_least: int) -> int:
    """Of the list, once it is so long; copies follow their answer."""
    for _ in range(100):
        if server.llen(key) >= at_least:
            break
        time.sleep(0.02)
    return int(server.llen(key))


def test_open_it_changes_nothing(valve: Valve, server: redis.Redis, key: str) -> None:
    valve.turn(OPEN)

    assert server.lpush(key, "a", "b") == 2
    assert server.lrange(key, 0, -1) == [b"b", b"a"]


def test_shut_it_answers_and_nothing_arrives(valve: Valve, server: redis.Redis, key: str) -> None:
    valve.turn(SHUT)

    assert server.lpush(key, "a") == 0
    assert server.publish("channel", "news") == 0
    assert server.set(f"{key}:other", "1")
    assert server.delete(f"{key}:other") == 1
    assert length(server, key, at_least=0) == 0


def test_what_is_sent_once_arrives_several_times(
    valve: Valve, server: redis.Redis, key: str
) -> None:
    valve.turn(Setting(copies=(3, 3)))

    server.lpush(key, "a")

    assert length(server, key, at_least=3) == 3


def test_what_is_held_back_arrives_later(valve: Valve, server: redis.Redis, key: str) -> None:
    valve.turn(Setting(delay=(0.2, 0.3)))

    server.lpush(key, "a")
    at_once = server.llen(key)

    assert at_once == 0
    assert length(server, key, at_least=1) == 1
