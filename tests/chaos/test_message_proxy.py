"""The proxy drops messages, sends them again or holds them back; other commands pass."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import pytest
import redis

from tests.chaos.message_proxy import DROP_ALL, PASS_THROUGH, MessageProxy, MessageRule


@pytest.fixture
def message_proxy() -> Iterator[MessageProxy]:
    target = Path(os.environ["REDIS_URL"].removeprefix("unix://"))
    with (
        TemporaryDirectory(prefix="releve-", dir="/tmp") as folder,
        MessageProxy.opened(Path(folder, "proxy.sock"), target) as opened,
    ):
        yield opened


@pytest.fixture
def server(message_proxy: MessageProxy) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(f"unix://{message_proxy.address}", socket_timeout=5) as client:
        yield client


@pytest.fixture
def key(server: redis.Redis) -> Iterator[str]:
    name = f"message_proxy-{uuid4()}"
    yield name
    server.delete(name)


def length(server: redis.Redis, key: str, *, at_least: int) -> int:
    """Of the list, once it is so long; copies follow their answer."""
    for _ in range(100):
        if server.llen(key) >= at_least:
            break
        time.sleep(0.02)
    return int(server.llen(key))


def test_open_it_changes_nothing(
    message_proxy: MessageProxy, server: redis.Redis, key: str
) -> None:
    message_proxy.set_rule(PASS_THROUGH)

    assert server.lpush(key, "a", "b") == 2
    assert server.lrange(key, 0, -1) == [b"b", b"a"]


def test_shut_it_answers_and_nothing_arrives(
    message_proxy: MessageProxy, server: redis.Redis, key: str
) -> None:
    message_proxy.set_rule(DROP_ALL)

    assert server.lpush(key, "a") == 0
    assert server.publish("channel", "news") == 0
    assert server.set(f"{key}:other", "1")
    assert server.delete(f"{key}:other") == 1
    assert length(server, key, at_least=0) == 0


def test_what_is_sent_once_arrives_several_times(
    message_proxy: MessageProxy, server: redis.Redis, key: str
) -> None:
    message_proxy.set_rule(MessageRule(copies=(3, 3)))

    server.lpush(key, "a")

    assert length(server, key, at_least=3) == 3


def test_what_is_held_back_arrives_later(
    message_proxy: MessageProxy, server: redis.Redis, key: str
) -> None:
    message_proxy.set_rule(MessageRule(delay=(0.2, 0.3)))

    server.lpush(key, "a")
    at_once = server.llen(key)

    assert at_once == 0
    assert length(server, key, at_least=1) == 1
