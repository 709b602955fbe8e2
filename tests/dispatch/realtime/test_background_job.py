"""Background jobs run in their own thread, once for all requests, and again after a failure."""

import threading

import pytest

from dispatch.realtime.background_job import BackgroundJob

SOON = 5.0


def test_requests_before_the_start_share_one_run() -> None:
    begun, go_on, done = threading.Semaphore(0), threading.Semaphore(0), threading.Semaphore(0)

    def work() -> None:
        begun.release()
        go_on.acquire()
        done.release()

    job = BackgroundJob("test", work)
    job.request()
    assert begun.acquire(timeout=SOON)

    for _ in range(10):
        job.request()
    go_on.release(10)

    assert done.acquire(timeout=SOON)
    assert done.acquire(timeout=SOON)
    assert not done.acquire(timeout=0.2)


def test_failed_run_is_logged_and_the_next_one_runs(caplog: pytest.LogCaptureFixture) -> None:
    done, fates = threading.Event(), [RuntimeError("a secret")]

    def work() -> None:
        if fates:
            raise fates.pop()
        done.set()

    job = BackgroundJob("test", work)
    job.request()
    while fates:
        pass
    job.request()

    assert done.wait(SOON)
    assert "test failed: RuntimeError" in caplog.text
    assert "secret" not in caplog.text
