"""Wake signals through the real Valkey: they wake a listening task or start one."""

import threading
import time
from collections.abc import Iterator
from uuid import uuid4

import pytest
import redis
from celery.worker import state

from dispatch import tasks
from dispatch.realtime.wake_signal import WakeSignal, connect


@pytest.fixture
def server() -> Iterator[redis.Redis]:
    server = connect()
    yield server
    server.close()


@pytest.fixture
def signal() -> WakeSignal:
    return WakeSignal(f"test-{uuid4()}")


def test_only_the_first_signal_without_a_listener_starts_a_task(
    server: redis.Redis, signal: WakeSignal
) -> None:
    assert [signal.send(server) for _ in range(3)] == [True, False, False]


def test_listening_task_runs_at_once_and_at_each_signal(
    server: redis.Redis, signal: WakeSignal
) -> None:
    worked: list[float] = []
    other = connect()
    standing = threading.Thread(
        target=signal.listen,
        args=(other, lambda: worked.append(time.monotonic())),
        kwargs={"stopped": lambda: len(worked) == 2, "seconds": 10},
    )
    standing.start()
    while not server.exists(signal.keys[1]):
        time.sleep(0.01)

    rang = time.monotonic()
    should_start = signal.send(server)
    standing.join(timeout=5)

    assert not should_start
    assert len(worked) == 2
    assert worked[1] - rang < 0.5
    other.close()


def test_signals_without_a_listener_are_handled_by_the_next_one(
    server: redis.Redis, signal: WakeSignal
) -> None:
    signal.send(server)
    signal.send(server)
    worked: list[int] = []

    signal.listen(server, lambda: worked.append(1), stopped=lambda: len(worked) == 2, seconds=5)

    # Once at the start and once for the signals, however many were sent.
    assert len(worked) == 2


def test_listening_task_that_ends_removes_its_key(server: redis.Redis, signal: WakeSignal) -> None:
    signal.listen(server, lambda: None, seconds=0.1)

    assert not server.exists(signal.keys[1])
    assert signal.send(server)


@pytest.mark.parametrize(
    ("told", "stops"), [(None, False), (False, False), (0, True), (True, True)]
)
def test_worker_that_must_stop_with_exit_code_0_stops(
    monkeypatch: pytest.MonkeyPatch, told: object, stops: bool
) -> None:
    monkeypatch.setattr(state, "should_stop", told)

    assert tasks.is_stopping() is stops
