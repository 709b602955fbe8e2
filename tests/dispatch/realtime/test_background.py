"""Errands: done by a thread of their own, once for all who asked, again after they failed."""

import threading

import pytest

from dispatch.realtime.background import BackgroundJob

SOON = 5.0


def test_it_is_done_once_for_all_who_asked_before_it_was_begun() -> None:
    begun, go_on, done = threading.Semaphore(0), threading.Semaphore(0), threading.Semaphore(0)

    def work() -> None:
        begun.release()
        go_on.acquire()
        done.release()

    errand = BackgroundJob("test", work)
    errand.request()
    assert begun.acquire(timeout=SOON)

    for _ in range(10):
        errand.request()
    go_on.release(10)

    assert done.acquire(timeout=SOON)
    assert done.acquire(timeout=SOON)
    assert not done.acquire(timeout=0.2)


def test_one_that_failed_is_said_and_the_next_is_done(caplog: pytest.LogCaptureFixture) -> None:
    done, fates = threading.Event(), [RuntimeError("a secret")]

    def work() -> None:
        if fates:
            raise fates.pop()
        done.set()

    errand = BackgroundJob("test", work)
    errand.request()
    while fates:
        pass
    errand.request()

    assert done.wait(SOON)
    assert "test failed: RuntimeError" in caplog.text
    assert "secret" not in caplog.text
