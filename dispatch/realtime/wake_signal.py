"""Wake signals: a Celery task runs for half a minute and is woken through Valkey.

Starting a task costs some five milliseconds; waking a running one costs a tenth of that. A signal
may be lost like any other hint, and any number of tasks may listen.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import redis
from django.conf import settings

#: Shorter than the broker's timeout for giving a task to another worker, longer than a lull.
MAX_RUN = 25.0
#: The key of a listening task in Valkey expires after this many seconds.
LEASE = 3
#: Runs begin at most this often, in seconds. After a lull a run begins at once.
GATHER = 0.015
#: After a run the task rests as long again, but at most this long, in seconds. Work that arrives
#: meanwhile shares the next run, which costs about the same for several.
REST = 0.03
#: A requested task that has not begun is not requested again for this long, in seconds.
PATIENCE = 5


def connect(**timeouts: float) -> redis.Redis:
    """Return a client that keeps one connection, because a pool costs more than a command.

    Use it in one thread. Raises redis.RedisError while Valkey is away.
    """
    return redis.Redis.from_url(settings.REDIS_URL, single_connection_client=True, **timeouts)


def run_pipeline(server: redis.Redis, commands: list[tuple[Any, ...]]) -> list[Any]:
    """Send these commands together and return their answers."""
    kept: Any = server.connection
    try:
        if kept.can_read(timeout=0):
            # An idle connection has nothing to read unless the server closed it.
            kept.disconnect()
        kept.send_packed_command([b"".join(kept.pack_commands(commands))])
        return [kept.read_response() for _ in commands]
    except redis.RedisError:
        # Remaining answers must not be taken for answers to the next commands.
        kept.disconnect()
        raise


@dataclass(frozen=True)
class WakeSignal:
    """The wake signal of one kind of work."""

    name: str

    @property
    def keys(self) -> tuple[str, str, str]:
        """The keys of the signal, of the listening tasks and of a requested task."""
        prefix = f"{settings.CHANNEL_PREFIX}:{self.name}"
        return f"{prefix}:signal", f"{prefix}:listening", f"{prefix}:requested"

    def send(self, server: redis.Redis) -> bool:
        """Wake a listening task. Returns True if none listens and one should be started."""
        signal, listening, requested = self.keys
        commands = [("LPUSH", signal, 1), ("LTRIM", signal, 0, 0), ("EXISTS", listening)]
        *_, is_listening = run_pipeline(server, commands)
        return not is_listening and bool(server.set(requested, 1, nx=True, ex=PATIENCE))

    def listen(
        self,
        server: redis.Redis,
        work: Callable[[], None],
        *,
        stopped: Callable[[], bool] = lambda: False,
        seconds: float = MAX_RUN,
    ) -> None:
        """Run at once and then on each signal, until the time is over or `stopped` returns True."""
        signal, listening, requested = self.keys
        server.delete(requested)
        began, renewed = time.monotonic(), 0.0
        earliest = run_once(work)
        while time.monotonic() < began + seconds and not stopped():
            if time.monotonic() - renewed > LEASE / 3:
                renewed = time.monotonic()
                server.set(listening, 1, ex=LEASE)
            if server.brpop([signal], timeout=1):
                gather_signals(server, signal, until=earliest)
                earliest = run_once(work)
        server.delete(listening)


def run_once(work: Callable[[], None]) -> float:
    """Run the work; returns the earliest time of the next run."""
    began = time.monotonic()
    work()
    took = time.monotonic() - began
    return began + max(GATHER, took + min(took, REST))


def gather_signals(server: redis.Redis, signal: str, *, until: float) -> None:
    """Wait so that further signals share the next run.

    The signal is cleared before the run, which then sees the work of all who sent it.
    """
    early = until - time.monotonic()
    if early > 0:
        time.sleep(early)
        server.delete(signal)
