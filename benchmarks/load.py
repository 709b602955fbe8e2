"""Load from outside: an open-loop stream of POSTs, and a thousand open pages.

The load shares the machine with the measured system, so it must cost little: one process, uvloop,
WebSockets in C (picows), and HTTP for one kind of request only.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random

from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from benchmarks import cpu
from benchmarks.outcome import Outcome

#: picows would log a line for every socket that it opens.
QUIET = logging.getLogger("picows")
QUIET.setLevel(logging.WARNING)
#: The interval of a page's heartbeat, in seconds.
BEAT = 10.0
#: The longest wait for offers after the last post, in seconds.
PATIENCE = 3.0
#: A step this many seconds of offers behind is aborted.
MAX_BEHIND = 3.0
#: The number of sockets opened at once.
AT_ONCE = 40


@dataclass(frozen=True)
class Target:
    """The load of one system: its address, its requests and the format of its frames."""

    host: str
    port: int
    request: Callable[[], bytes]
    #: Reads the ticket's reference from the response to the POST.
    read_reference: Callable[[bytes], str]
    #: Reads the offered reference from a frame; None for other frames.
    read_offered: Callable[[bytes], str | None]
    #: The address and headers of each page's socket.
    sockets: list[tuple[str, dict[str, str]]]
    #: The heartbeat message of a page, or None if the system has none.
    beat: bytes | None = None
    #: Builds the message of a page that shows this offer.
    make_shown: Callable[[str], bytes] | None = None
    #: Maps the times of offers to the times of tickets, for frames that don't name the ticket.
    tickets_of: Callable[[dict[str, float]], dict[str, float]] = field(default=lambda seen: seen)


class Page(WSListener):
    """An agent's page: records the arrival of each offer and reports that it shows it."""

    def __init__(self, target: Target, seen: dict[str, float], closed: list["Page"]) -> None:
        self.target, self.seen, self.closed = target, seen, closed

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.line = transport

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.TEXT:
            at = time.perf_counter()
            offer = self.target.read_offered(frame.get_payload_as_bytes())
            if offer and self.seen.setdefault(offer, at) == at and self.target.make_shown:
                transport.send(WSMsgType.TEXT, self.target.make_shown(offer))

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self.closed.append(self)

    def beat(self, word: bytes) -> None:
        if not self.line.is_disconnected:
            self.line.send(WSMsgType.TEXT, word)


class Connection(asyncio.Protocol):
    """A kept HTTP/1.1 connection, one request at a time."""

    def __init__(self, idle: list["Connection"]) -> None:
        self.idle = idle
        self.buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def send(self, request: bytes) -> "asyncio.Future[bytes]":
        self.answer = asyncio.get_running_loop().create_future()
        self.buffer = b""
        self.transport.write(request)  # type: ignore[attr-defined]
        return self.answer

    def data_received(self, received: bytes) -> None:
        self.buffer += received
        head, whole, body = self.buffer.partition(b"\r\n\r\n")
        length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        if whole and len(body) >= int(length or 0) and not self.answer.done():
            self.idle.append(self)
            self.answer.set_result(self.buffer)

    def connection_lost(self, trouble: Exception | None) -> None:
        if self in self.idle:
            self.idle.remove(self)
        elif not self.answer.done():
            self.answer.set_exception(ConnectionError())


class Load:
    """The pages and the bot of one system. Opened once, then used for each step."""

    def __init__(self, target: Target, roots: list[int]) -> None:
        """`roots`: the processes whose CPU is counted."""
        self.target, self.roots = target, roots
        self.seen: dict[str, float] = {}
        self.closed: list[Page] = []
        self.pages: list[Page] = []
        self.idle: list[Connection] = []
        self.lines: list[Connection] = []

    async def open(self) -> None:
        gate = asyncio.Semaphore(AT_ONCE)
        await asyncio.gather(*(self._open(gate, *socket) for socket in self.target.sockets))
        if self.target.beat is not None:
            self.beating = asyncio.create_task(self._beat(self.target.beat))

    async def close(self) -> None:
        for page in self.pages:
            page.line.disconnect(graceful=False)
        for line in self.lines:
            line.transport.close()

    async def step(self, arrivals: list[float], *, rate: float) -> Outcome:
        """Post at each of these moments (s) and wait for every offer (ms)."""
        self.seen.clear()
        posted: dict[str, float] = {}
        before, began = cpu.cpu_seconds(self.roots), time.perf_counter()
        asked = []
        for arrival in arrivals:
            await asyncio.sleep(max(began + arrival - time.perf_counter(), 0))
            asked.append(asyncio.create_task(self._ask(began + arrival, posted)))
            if len(asked) - len(self.seen) > max(MAX_BEHIND * rate, 100):
                break
        await self._await_offers(asked, whole=len(asked) == len(arrivals))
        spent = cpu.cpu_seconds(self.roots) - before
        seen = self.target.tickets_of(self.seen)
        in_order = sorted(posted.items(), key=lambda one: one[1])
        waits = [(seen[one] - at) * 1000 if one in seen else None for one, at in in_order]
        waits += [None] * (len(asked) - len(posted))
        return Outcome(
            rate, waits, cpu_ms=spent * 1000, planned=len(arrivals), closed=len(self.closed)
        )

    async def _await_offers(self, asked: list["asyncio.Task[None]"], *, whole: bool) -> None:
        """Wait until every offer arrived, or until it is clear that some will not."""
        give_up = time.perf_counter() + (PATIENCE if whole else 0)
        while len(self.seen) < len(asked) and time.perf_counter() < give_up:
            await asyncio.sleep(0.02)
        for one in asked:
            one.cancel()

    async def _ask(self, due: float, posted: dict[str, float]) -> None:
        # Never later than the due time, because a delayed client would flatter the system.
        at = min(due, time.perf_counter())
        try:
            answer = await self._post(self.target.request())
        except OSError:
            return
        if answer.startswith(b"HTTP/1.1 201"):
            posted[self.target.read_reference(answer.partition(b"\r\n\r\n")[2])] = at

    async def _post(self, request: bytes) -> bytes:
        if self.idle:
            return await self.idle.pop().send(request)
        loop = asyncio.get_running_loop()
        host, port = self.target.host, self.target.port
        _transport, line = await loop.create_connection(lambda: Connection(self.idle), host, port)
        self.lines.append(line)
        return await line.send(request)

    async def _open(
        self, gate: asyncio.Semaphore, address: str, headers: Mapping[str, str]
    ) -> None:
        async with gate:
            _line, page = await ws_connect(
                lambda: Page(self.target, self.seen, self.closed),
                address,
                extra_headers=dict(headers),
                websocket_handshake_timeout=60,
                logger_name=QUIET,
            )
        self.pages.append(page)  # type: ignore[arg-type]

    async def _beat(self, word: bytes) -> None:
        """Send the heartbeats page by page, each page once in ten seconds."""
        while True:
            for page in self.pages:
                page.beat(word)
                await asyncio.sleep(BEAT / len(self.pages))


def draw_arrivals(rate: float, seconds: float, *, seed: int) -> list[float]:
    """A Poisson stream: moments from now, in seconds. A seed gives every system the same stream."""
    chance = Random(f"{rate}:{seed}")
    moment, moments = 0.0, []
    while (moment := moment + chance.expovariate(rate)) < seconds:
        moments.append(moment)
    return moments
