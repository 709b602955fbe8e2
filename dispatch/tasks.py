"""Celery's part of dispatch: the fast path. What it misses, the clock does."""

import redis
from celery import shared_task
from celery.worker import state
from django.conf import settings

from dispatch import waves
from dispatch.standby import Bell
from tickets import clock

WAVES = Bell("waves")


@shared_task(ignore_result=True, expires=10)
def run_waves() -> None:
    """Stand by and run a wave whenever somebody rings, for half a minute."""
    server = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=5, socket_connect_timeout=3)
    try:
        WAVES.answer(server, wave, stopped=stopping)
    finally:
        server.close()


def stopping() -> bool:
    """Whether this worker was told to stop; the exit code it was told may well be 0."""
    return state.should_stop is not None and state.should_stop is not False


def wave() -> None:
    """A wave gives each agent one offer at most, so there may be work for another."""
    while waves.run(at=clock.now()) and waves.anybody_waits():
        pass
