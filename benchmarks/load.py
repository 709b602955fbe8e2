"""Load from outside: a Poisson stream of POSTs that doesn't wait for answers, and open sockets.

The clients are made cheap, for they share the machine with what they measure.
"""

import asyncio
import random
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import psutil
import websockets


@dataclass(frozen=True)
class Target:
    """How to load one system: where it is, what to post, how to read a frame."""

    host: str
    port: int
    request: Callable[[], bytes]
    #: The reference of what was asked for, out of the answer to the POST.
    reference: Callable[[bytes], str]
    #: The reference of what is offered, out of a frame; None for other frames.
    offered: Callable[[str | bytes], str | None]
    #: Address and headers of each socket.
    sockets: list[tuple[str, dict[str, str]]]
    origin: str | None = None


@dataclass
class Outcome:
    """What one step at one rate met."""

    rate: float
    posted: dict[str, float] = field(default_factory=dict)
    frames: dict[str, float] = field(default_factory=dict)
    failed: int = 0
    cpu_ms: float = 0.0

    def milliseconds(self) -> list[float]:
        return sorted(
            (self.frames[one] - at) * 1000 for one, at in self.posted.items() if one in self.frames
        )

    def summary(self) -> dict[str, float]:
        took = self.milliseconds()
        cuts = (
            statistics.quantiles(took, n=100, method="inclusive") if len(took) > 1 else [0.0] * 99
        )
        count = len(self.posted) + self.failed
        return {
            "posted": count,
            "offered": len(took),
            "p50": round(cuts[49], 1),
            "p95": round(cuts[94], 1),
            "p99": round(cuts[98], 1),
            "cpu_ms": round(self.cpu_ms / max(count, 1), 2),
        }


class Poster:
    """HTTP/1.1 over kept connections: enough of it for one kind of request, and hardly any CPU."""

    def __init__(self, host: str, port: int) -> None:
        self.host, self.port = host, port
        self.idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def post(self, request: bytes) -> tuple[int, bytes]:
        line = self.idle.pop() if self.idle else await asyncio.open_connection(self.host, self.port)
        reader, writer = line
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        fields = dict(
            one.lower().split(b": ", 1) for one in head.split(b"\r\n")[1:] if b": " in one
        )
        body = await reader.readexactly(int(fields.get(b"content-length", b"0")))
        self.idle.append(line)
        return int(head[9:12]), body

    def close(self) -> None:
        for _, writer in self.idle:
            writer.close()


async def run(
    target: Target, *, rates: list[float], seconds: float, roots: list[int]
) -> list[Outcome]:
    """Each rate in turn after a short warm-up, all sockets open.

    `roots`: the processes whose CPU is counted.
    """
    frames: dict[str, float] = {}
    lines = [asyncio.create_task(listen(target, one, frames)) for one in target.sockets]
    await settled(lines, target)
    # The first of everything (connections, plans, templates) is nobody's usual case.
    await step(target, frames, rate=10, seconds=2, roots=roots)
    outcomes = []
    for rate in rates:
        outcomes.append(await step(target, frames, rate=rate, seconds=seconds, roots=roots))
        await asyncio.sleep(1)
    for line in lines:
        line.cancel()
    await asyncio.gather(*lines, return_exceptions=True)
    return outcomes


async def step(
    target: Target, frames: dict[str, float], *, rate: float, seconds: float, roots: list[int]
) -> Outcome:
    outcome = Outcome(rate, frames=frames)
    poster = Poster(target.host, target.port)
    before = cpu_seconds(roots)
    asked = []
    due = time.perf_counter()
    for _ in range(int(rate * seconds)):
        asked.append(asyncio.create_task(ask(target, poster, outcome)))
        due += random.expovariate(rate)
        await asyncio.sleep(max(due - time.perf_counter(), 0))
    await asyncio.gather(*asked)
    give_up = time.perf_counter() + 5
    while len(outcome.milliseconds()) < len(outcome.posted) and time.perf_counter() < give_up:
        await asyncio.sleep(0.05)
    outcome.cpu_ms = (cpu_seconds(roots) - before) * 1000
    poster.close()
    return outcome


async def ask(target: Target, poster: Poster, outcome: Outcome) -> None:
    started = time.perf_counter()
    try:
        status, body = await poster.post(target.request())
    except (OSError, asyncio.IncompleteReadError):
        outcome.failed += 1
        return
    if status == 201:
        outcome.posted[target.reference(body)] = started
    else:
        outcome.failed += 1


async def listen(
    target: Target, socket: tuple[str, dict[str, str]], frames: dict[str, float]
) -> None:
    """An agent's page: it beats, and notes the moment an offer is on its line."""
    address, headers = socket
    async with websockets.connect(
        address,
        origin=target.origin,  # type: ignore[arg-type]
        additional_headers=headers,
        compression=None,
        ping_interval=None,
        open_timeout=60,
    ) as line:
        beats = asyncio.create_task(beat(line))
        try:
            async for frame in line:
                if found := target.offered(frame):
                    frames.setdefault(found, time.perf_counter())
        finally:
            beats.cancel()


async def beat(line: Any) -> None:
    while True:
        await asyncio.sleep(random.uniform(8, 10))
        await line.send("{}")


async def settled(lines: list["asyncio.Task[None]"], target: Target) -> None:
    """Give every socket the time to open; say so at once if one could not."""
    await asyncio.sleep(2 + len(lines) / 100)
    for line in lines:
        if line.done():
            line.result()


def cpu_seconds(roots: list[int]) -> float:
    """What these processes and their children have used so far, those that ended included."""
    total = 0.0
    for root in roots:
        process = psutil.Process(root)
        for one in [process, *process.children(recursive=True)]:
            try:
                times = one.cpu_times()
            except psutil.NoSuchProcess:
                continue
            total += times.user + times.system
            total += times.children_user + times.children_system
    return total
