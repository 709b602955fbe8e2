"""Standing by: a Celery task that stays for half a minute and is woken through Valkey.

Starting a task costs some five milliseconds of work, waking one that stands by a tenth of that. It
is a hint like any other: nothing rests on the bell, and any number may stand by.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import redis
from django.conf import settings

#: Shorter than the broker takes to give a task to somebody else, longer than a lull.
MAX_RUN = 25.0
#: Whoever stands by says so this often, in seconds.
LEASE = 3
#: Work begins at most this often, in seconds. After a lull it begins at once.
GATHER = 0.015
#: After work whoever did it rests as long again, but no longer than this, in seconds: what comes
#: meanwhile shares the next work, which costs much the same for several.
REST = 0.03
#: A task asked for but not begun is not asked for again for this long, in seconds.
PATIENCE = 5


def connect(**timeouts: float) -> redis.Redis:
    """A client with one connection, which it keeps: to lend one costs more than what is said on it.

    For one thread. Raises redis.RedisError while Valkey is away.
    """
    return redis.Redis.from_url(settings.REDIS_URL, single_connection_client=True, **timeouts)


def pipeline(server: redis.Redis, commands: list[tuple[Any, ...]]) -> list[Any]:
    """The answers to these commands, sent as one over a `line`."""
    kept: Any = server.connection
    try:
        if kept.can_read(timeout=0):
            # Nobody asked: what is there to read is the end of it.
            kept.disconnect()
        kept.send_packed_command([b"".join(kept.pack_commands(commands))])
        return [kept.read_response() for _ in commands]
    except redis.RedisError:
        # What else was answered must not be taken for the answer to the next question.
        kept.disconnect()
        raise


@dataclass(frozen=True)
class WakeSignal:
    """What one kind of work is woken by."""

    name: str

    @property
    def keys(self) -> tuple[str, str, str]:
        """Where it rings, who hears it, who was sent for."""
        prefix = f"{settings.CHANNEL_PREFIX}:{self.name}"
        return f"{prefix}:bell", f"{prefix}:heard", f"{prefix}:called"

    def send(self, server: redis.Redis) -> bool:
        """Wake whoever stands by. True when nobody does and the task should be started."""
        bell, heard, called = self.keys
        asked = [("LPUSH", bell, 1), ("LTRIM", bell, 0, 0), ("EXISTS", heard)]
        *_, somebody = pipeline(server, asked)
        return not somebody and bool(server.set(called, 1, nx=True, ex=PATIENCE))

    def listen(
        self,
        server: redis.Redis,
        work: Callable[[], None],
        *,
        stopped: Callable[[], bool] = lambda: False,
        seconds: float = MAX_RUN,
    ) -> None:
        """Work at once and then whenever it rings, until the shift ends or one must stop."""
        bell, heard, called = self.keys
        server.delete(called)
        arrived, said = time.monotonic(), 0.0
        again = run_once(work)
        while time.monotonic() < arrived + seconds and not stopped():
            if time.monotonic() - said > LEASE / 3:
                said = time.monotonic()
                server.set(heard, 1, ex=LEASE)
            if server.brpop([bell], timeout=1):
                wait_for_more(server, bell, until=again)
                again = run_once(work)
        server.delete(heard)


def run_once(work: Callable[[], None]) -> float:
    """Work, and when to begin the next at the soonest."""
    began = time.monotonic()
    work()
    took = time.monotonic() - began
    return began + max(GATHER, took + min(took, REST))


def wait_for_more(server: redis.Redis, bell: str, *, until: float) -> None:
    """Let others ring who shall share the next work.

    The bell is silenced before the work, which then sees all who rang.
    """
    early = until - time.monotonic()
    if early > 0:
        time.sleep(early)
        server.delete(bell)
