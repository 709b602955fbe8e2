"""Celery's part of dispatch: the fast path. What it misses, the clock does."""

from celery import shared_task

from dispatch import waves
from tickets import clock


@shared_task(ignore_result=True, expires=30)
def run_wave() -> None:
    """A wave gives each agent one offer at most, so there may be work for another."""
    while waves.run(at=clock.now()):
        pass
