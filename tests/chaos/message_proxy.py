"""A proxy between the platform and its Valkey: messages come late, several times, or never.

It speaks the Redis protocol just enough to tell one command from another. What carries a message
(news for sockets, bells, tasks) can be dropped, sent again or held back; whoever sent it is
answered at once, as if it had gone through. Everything else passes as it is.
"""

import asyncio
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

#: Commands that carry messages.
CARRIES = {b"PUBLISH", b"LPUSH"}
#: A command that replaces one that must not arrive: it is answered with a number too.
NOTHING = b"*2\r\n$6\r\nEXISTS\r\n$13\r\nchaos:nothing\r\n"


@dataclass(frozen=True)
class MessageRule:
    """What happens to a message. `copies`: how often it is sent, from and to; `delay`: seconds,
    from and to, drawn for each copy by itself, so that they overtake one another."""

    copies: tuple[int, int] = (1, 1)
    delay: tuple[float, float] = (0, 0)

    @property
    def passes(self) -> bool:
        return self == PASS_THROUGH


PASS_THROUGH = MessageRule()
DROP_ALL = MessageRule(copies=(0, 0))


@dataclass
class MessageProxy:
    address: Path
    target: Path
    rule: MessageRule = PASS_THROUGH
    rng: Random = field(default_factory=lambda: Random(0))
    counts: Counter[str] = field(default_factory=Counter)
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    _lines: set[asyncio.StreamWriter] = field(default_factory=set)
    _later: set["asyncio.Task[None]"] = field(default_factory=set)

    @classmethod
    @contextmanager
    def opened(cls, address: Path, target: Path) -> Iterator["MessageProxy"]:
        """`address`: the socket it listens on; `target`: Valkey's own."""
        proxy = cls(address, target)
        thread = threading.Thread(target=proxy.loop.run_forever, daemon=True)
        thread.start()
        server = asyncio.run_coroutine_threadsafe(
            asyncio.start_unix_server(proxy._serve, path=address), proxy.loop
        ).result(10)
        try:
            yield proxy
        finally:
            proxy.loop.call_soon_threadsafe(server.close)
            asyncio.run_coroutine_threadsafe(proxy._end(), proxy.loop).result(10)
            proxy.loop.call_soon_threadsafe(proxy.loop.stop)
            thread.join(10)
            proxy.loop.close()

    def set_rule(self, rule: MessageRule, *, seed: int = 0) -> None:
        self.rng = Random(seed)
        self.rule = rule

    def break_lines(self) -> None:
        def close() -> None:
            for writer in self._lines:
                writer.close()

        self.loop.call_soon_threadsafe(close)

    async def _end(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._lines.add(writer)
        try:
            answers, commands = await asyncio.open_unix_connection(str(self.target))
            back = asyncio.create_task(_pump(answers, writer))
            try:
                await self._lead_on(reader, commands)
            finally:
                back.cancel()
                commands.close()
        except (OSError, asyncio.IncompleteReadError, ValueError):
            pass
        finally:
            self._lines.discard(writer)
            writer.close()

    async def _lead_on(self, reader: asyncio.StreamReader, commands: asyncio.StreamWriter) -> None:
        while True:
            raw, name = await read_command(reader)
            commands.write(self._admitted(raw) if name in CARRIES else raw)
            await commands.drain()

    def _admitted(self, raw: bytes) -> bytes:
        """What goes on at once in the place of this message."""
        rule = self.rule
        if rule.passes:
            return raw
        copies = self.rng.randint(*rule.copies)
        self.counts["messages"] += 1
        self.counts["copies"] += copies
        for _ in range(copies):
            task = self.loop.create_task(self._deliver(raw, self.rng.uniform(*rule.delay)))
            self._later.add(task)
            task.add_done_callback(self._later.discard)
        return NOTHING

    async def _deliver(self, raw: bytes, after: float) -> None:
        await asyncio.sleep(after)
        with suppress(OSError):
            answer, command = await asyncio.open_unix_connection(str(self.target))
            command.write(raw)
            await answer.readline()
            command.close()


async def read_command(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """One command as it came, and its name."""
    head = await reader.readuntil(b"\r\n")
    parts = [head]
    name = b""
    for number in range(int(head[1:])):
        length = await reader.readuntil(b"\r\n")
        word = await reader.readexactly(int(length[1:]) + 2)
        parts += [length, word]
        name = word[:-2].upper() if number == 0 else name
    return b"".join(parts), name


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while part := await reader.read(65536):
            writer.write(part)
            await writer.drain()
    writer.close()
