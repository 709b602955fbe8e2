"""Celery's part of dispatch: the fast path. What it misses, the scheduler does."""

from functools import partial

from celery import shared_task
from celery.worker import state
from django.conf import settings

from dispatch.realtime.wakeup import WakeSignal, connect
from dispatch.waves import wave
from dispatch.waves.snapshot import Shard

#: Each matcher serves its share of the languages. Nothing rests on that: waves skip what is held.
SHARDS = [Shard(number, settings.MATCHERS) for number in range(settings.MATCHERS)]


def wake_signal(shard: Shard) -> WakeSignal:
    """What this shard's matcher is woken by."""
    return WakeSignal(f"waves-{shard.number}-{shard.of}")


@shared_task(ignore_result=True, expires=10)
def run_waves(number: int = 0, of: int = 1) -> None:
    """Stand by and run a wave whenever somebody rings, for half a minute."""
    shard = Shard(number, of)
    server = connect(socket_timeout=5, socket_connect_timeout=3)
    try:
        wake_signal(shard).listen(server, partial(run_until_idle, shard), stopped=stopping)
    finally:
        server.close()


def stopping() -> bool:
    """Whether this worker was told to stop; the exit code it was told may well be 0."""
    return state.should_stop is not None and state.should_stop is not False


def run_until_idle(shard: Shard = wave.ALL) -> None:
    """A wave gives each agent one offer at most, so there may be work for another."""
    while (at := wave.find_due()) and wave.run(at=at, shard=shard):
        pass
