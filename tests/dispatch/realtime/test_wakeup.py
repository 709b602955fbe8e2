"""Standing by: woken through the real Valkey, started when nobody is there, missed by nobody."""

import threading
import time
from collections.abc import Iterator
from uuid import uuid4

import pytest
import redis
from celery.worker import state

from dispatch import tasks
from dispatch.realtime.wakeup import WakeSignal, connect


@pytest.fixture
def server() -> Iterator[redis.Redis]:
    server = connect()
    yield server
    server.close()


@pytest.fixture
def bell() -> WakeSignal:
    return WakeSignal(f"test-{uuid4()}")


def test_where_nobody_stands_by_the_first_ring_alone_asks_for_the_task(
    server: redis.Redis, bell: WakeSignal
) -> None:
    assert [bell.send(server) for _ in range(3)] == [True, False, False]


def test_whoever_stands_by_works_at_once_and_at_each_ring(
    server: redis.Redis, bell: WakeSignal
) -> None:
    worked: list[float] = []
    other = connect()
    standing = threading.Thread(
        target=bell.listen,
        args=(other, lambda: worked.append(time.monotonic())),
        kwargs={"stopped": lambda: len(worked) == 2, "seconds": 10},
    )
    standing.start()
    while not server.exists(bell.keys[1]):
        time.sleep(0.01)

    rang = time.monotonic()
    asked = bell.send(server)
    standing.join(timeout=5)

    assert not asked
    assert len(worked) == 2
    assert worked[1] - rang < 0.5
    other.close()


def test_a_ring_nobody_heard_is_answered_by_whoever_comes(
    server: redis.Redis, bell: WakeSignal
) -> None:
    bell.send(server)
    bell.send(server)
    worked: list[int] = []

    bell.listen(server, lambda: worked.append(1), stopped=lambda: len(worked) == 2, seconds=5)

    # Once on arriving and once for the bell, however often it rang.
    assert len(worked) == 2


def test_a_shift_ends_and_says_so(server: redis.Redis, bell: WakeSignal) -> None:
    bell.listen(server, lambda: None, seconds=0.1)

    assert not server.exists(bell.keys[1])
    assert bell.send(server)


@pytest.mark.parametrize(
    ("told", "stops"), [(None, False), (False, False), (0, True), (True, True)]
)
def test_a_worker_told_to_stop_with_exit_code_0_stops(
    monkeypatch: pytest.MonkeyPatch, told: object, stops: bool
) -> None:
    monkeypatch.setattr(state, "should_stop", told)

    assert tasks.is_stopping() is stops
