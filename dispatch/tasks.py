"""Celery's part of dispatch: the fast path. What it misses, the clock does."""

from celery import shared_task

from dispatch import waves
from tickets import clock


@shared_task(ignore_result=True, expires=30)
def run_wave() -> None:
    while waves.run(at=clock.now()) == waves.BATCH:
        pass
