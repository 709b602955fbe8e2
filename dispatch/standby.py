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
SHIFT = 25.0
#: Whoever stands by says so this often, in seconds.
LEASE = 3
#: Work begins at most this often, in seconds. After a lull it begins at once.
GATHER = 0.01
#: A task asked for but not begun is not asked for again for this long, in seconds.
PATIENCE = 5


def spoken(server: redis.Redis, commands: list[tuple[Any, ...]]) -> list[Any]:
    """The answers to these commands, sent as one. A fifth of the work of redis-py's pipeline."""
    line: Any = server.connection_pool.get_connection()
    try:
        line.send_packed_command([b"".join(line.pack_commands(commands))])
        return [line.read_response() for _ in commands]
    except redis.RedisError:
        # What else was answered must not be taken for the answer to the next question.
        line.disconnect()
        raise
    finally:
        server.connection_pool.release(line)


@dataclass(frozen=True)
class Bell:
    """What one kind of work is woken by."""

    name: str

    @property
    def keys(self) -> tuple[str, str, str]:
        """Where it rings, who hears it, who was sent for."""
        prefix = f"{settings.CHANNEL_PREFIX}:{self.name}"
        return f"{prefix}:bell", f"{prefix}:heard", f"{prefix}:called"

    def ring(self, server: redis.Redis) -> bool:
        """Wake whoever stands by. True when nobody does and the task should be started."""
        bell, heard, called = self.keys
        asked = [("LPUSH", bell, 1), ("LTRIM", bell, 0, 0), ("EXISTS", heard)]
        *_, somebody = spoken(server, asked)
        return not somebody and bool(server.set(called, 1, nx=True, ex=PATIENCE))

    def answer(
        self,
        server: redis.Redis,
        work: Callable[[], None],
        *,
        stopped: Callable[[], bool] = lambda: False,
        seconds: float = SHIFT,
    ) -> None:
        """Work at once and then whenever it rings, until the shift ends or one must stop."""
        bell, heard, called = self.keys
        server.delete(called)
        began = time.monotonic()
        ends, said = began + seconds, 0.0
        work()
        while time.monotonic() < ends and not stopped():
            if time.monotonic() - said > LEASE / 3:
                said = time.monotonic()
                server.set(heard, 1, ex=LEASE)
            if server.brpop([bell], timeout=1):
                gather(server, bell, since=began)
                began = time.monotonic()
                work()
        server.delete(heard)


def gather(server: redis.Redis, bell: str, *, since: float) -> None:
    """Whoever rings soon after work began shares the next: it costs much the same for several.

    The bell is silenced before the work, which then sees all who rang.
    """
    early = since + GATHER - time.monotonic()
    if early > 0:
        time.sleep(early)
        server.delete(bell)
