"""The engine of tests: hints are followed before the next line of the test."""

from collections.abc import Callable

from celery import Signature, Task

from dispatch.realtime.background import BackgroundJob
from dispatch.realtime.background_engine import BackgroundEngine
from dispatch.realtime.wakeup import WakeSignal


class InlineEngine(BackgroundEngine):
    """Does at once, in the caller's transaction, what production leaves to others.

    News for pages goes to Valkey all the same: a page is another process even in a test.
    """

    def enqueue(self, task: Task) -> None:
        task.apply()

    def wake(self, signal: WakeSignal, task: Task | Signature, work: Callable[[], object]) -> None:
        work()

    def refresh(self, job: BackgroundJob) -> None:
        job.work()
