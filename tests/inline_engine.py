"""The engine of tests: runs everything at once."""

from collections.abc import Callable

from celery import Signature, Task

from dispatch.realtime.background_engine import BackgroundEngine
from dispatch.realtime.background_job import BackgroundJob
from dispatch.realtime.wake_signal import WakeSignal


class InlineEngine(BackgroundEngine):
    """Runs in the caller's transaction what production leaves to others.

    Messages for pages still go through Valkey, because a page is another process even in a test.
    """

    def enqueue(self, task: Task) -> None:
        task.apply()

    def wake(self, signal: WakeSignal, task: Task | Signature, work: Callable[[], object]) -> None:
        work()

    def refresh(self, job: BackgroundJob) -> None:
        job.work()
