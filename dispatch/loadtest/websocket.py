"""The WebSocket of an agent's page: opens it, sends heartbeats, listens, and opens it again."""

import asyncio
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from random import Random

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from dispatch.loadtest import page_parser
from dispatch.loadtest.history import History

#: A page sends a heartbeat so often, and closes a connection that was silent for so long (s).
HEARTBEAT_EVERY, DEAD_AFTER = 10.0, 25.0
MAX_FRAME = 2**20
NOT_LOGGED_IN = 4401


class WebSocketClient:
    """Kept open as the desk's own script keeps it, until its task is cancelled."""

    def __init__(
        self,
        address: str,
        *,
        headers: Callable[[], Mapping[str, str]],
        on_offer: Callable[[str], None],
        on_change: Callable[[], None],
        on_close: Callable[[int], None],
        history: History,
        rng: Random,
    ) -> None:
        """`on_offer` gets the id of an offer whose card came, `on_change` is called when something
        else changed, `on_close` gets the server's close code (0: the connection broke)."""
        self.address, self._headers, self.history, self._rng = address, headers, history, rng
        self._on_offer, self._on_change, self._on_close = on_offer, on_change, on_close
        self._open: ClientConnection | None = None
        self._last_frame_at = 0.0
        self.signature = ""

    @property
    def is_open(self) -> bool:
        return self._open is not None

    async def run(self) -> None:
        """Open it whenever it is not, with the pauses of the desk's script."""
        tries = 0
        while True:
            if await self._connect():
                tries = 0
            await asyncio.sleep(0.5 + self._rng.random() * min(14.5, 2**tries))
            tries += 1

    async def say_shown(self, offer: str) -> bool:
        """Report that this offer is on the screen. Returns False when the WebSocket is lost."""
        return await self._send(json.dumps({"shown": offer}))

    async def _connect(self) -> bool:
        """Open it and listen until it ends; whether it ever opened."""
        opened, code = False, 0
        try:
            async with connect(
                self.address,
                additional_headers=dict(self._headers()),
                proxy=None,
                compression=None,
                ping_interval=None,
                open_timeout=10,
                close_timeout=1,
                max_size=MAX_FRAME,
            ) as line:
                self._open, opened = line, True
                self.history.note("line", "seen", open=True)
                self._on_change()
                code = await self._listen(line)
        except (OSError, WebSocketException, TimeoutError, EOFError):
            pass
        finally:
            if self._open:
                self._open = None
                self.history.note("line", "seen", open=False, code=code)
        self._on_close(code)
        return opened

    async def _listen(self, line: ClientConnection) -> int:
        self._last_frame_at = asyncio.get_running_loop().time()
        heartbeats = asyncio.create_task(self._send_heartbeats(line))
        try:
            async for frame in line:
                self._last_frame_at = asyncio.get_running_loop().time()
                self._read_frame(frame if isinstance(frame, str) else frame.decode())
        finally:
            heartbeats.cancel()
        return line.close_code or 0

    def _read_frame(self, frame: str) -> None:
        if not frame.startswith("{"):
            self.signature = ""
            for offer in page_parser.read(frame).offers:
                self._on_offer(offer)
            return
        said = json.loads(frame)
        if "signature" not in said or said["signature"] != self.signature:
            self._on_change()

    async def _send_heartbeats(self, line: ClientConnection) -> None:
        while await self._send("{}"):
            await asyncio.sleep(HEARTBEAT_EVERY)
            if asyncio.get_running_loop().time() - self._last_frame_at > DEAD_AFTER:
                await line.close(4000)

    async def _send(self, frame: str) -> bool:
        if self._open is None:
            return False
        with suppress(WebSocketException, OSError):
            await self._open.send(frame)
            return True
        return False
