"""Celery tasks of dispatch: the fast path. The scheduler does what they miss."""

from functools import partial

from celery import shared_task
from celery.worker import state
from django.conf import settings

from dispatch.realtime.wake_signal import WakeSignal, connect
from dispatch.waves import wave
from dispatch.waves.snapshot import Shard

#: Each matcher serves its share of the languages, only for speed: waves skip locked tickets.
SHARDS = [Shard(number, settings.MATCHERS) for number in range(settings.MATCHERS)]


def get_wake_signal(shard: Shard) -> WakeSignal:
    """The signal that wakes the matcher of this shard."""
    return WakeSignal(f"waves-{shard.number}-{shard.of}")


@shared_task(ignore_result=True, expires=10)
def run_waves(number: int = 0, of: int = 1) -> None:
    """Run a wave at each wake-up signal, for half a minute."""
    shard = Shard(number, of)
    server = connect(socket_timeout=5, socket_connect_timeout=3)
    try:
        get_wake_signal(shard).listen(server, partial(run_until_idle, shard), stopped=is_stopping)
    finally:
        server.close()


def is_stopping() -> bool:
    """True if this worker must stop. Celery stores an exit code, which may be 0."""
    return state.should_stop is not None and state.should_stop is not False


def run_until_idle(shard: Shard = wave.ALL) -> None:
    """Run waves until none is due. A wave sends each agent one offer at most."""
    while (at := wave.find_due()) and wave.run(at=at, shard=shard):
        pass
