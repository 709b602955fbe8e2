"""The live line of an agent's page: opened, beaten on, listened to, opened again."""

import asyncio
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from random import Random

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from dispatch.loadtest import page_parser
from dispatch.loadtest.history import History

#: A page beats so often, and takes a line that was silent for so long for dead (s).
BEAT, SILENT = 10.0, 25.0
LONGEST_FRAME = 2**20
NOT_LOGGED_IN = 4401


class WebSocketClient:
    """Kept open as the desk's own script keeps it, until it is cut."""

    def __init__(
        self,
        address: str,
        *,
        headers: Callable[[], Mapping[str, str]],
        card: Callable[[str], None],
        news: Callable[[], None],
        lost: Callable[[int], None],
        book: History,
        chance: Random,
    ) -> None:
        """`card` is told of an offer whose card came, `news` that something changed, `lost` the
        code with which the server closed the line (0: it broke)."""
        self.address, self._headers, self.book, self._chance = address, headers, book, chance
        self._card, self._news, self._lost = card, news, lost
        self._open: ClientConnection | None = None
        self._heard = 0.0
        self.signature = ""

    @property
    def is_open(self) -> bool:
        return self._open is not None

    async def keep(self) -> None:
        """Open it whenever it is not, with the pauses of the desk's script."""
        tries = 0
        while True:
            if await self._hold():
                tries = 0
            await asyncio.sleep(0.5 + self._chance.random() * min(14.5, 2**tries))
            tries += 1

    async def say_shown(self, offer: str) -> bool:
        """This offer is on the screen. False when the line can't carry it."""
        return await self._send(json.dumps({"shown": offer}))

    async def _hold(self) -> bool:
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
                max_size=LONGEST_FRAME,
            ) as line:
                self._open, opened = line, True
                self.book.note("line", "seen", open=True)
                self._news()
                code = await self._listen(line)
        except (OSError, WebSocketException, TimeoutError, EOFError):
            pass
        finally:
            if self._open:
                self._open = None
                self.book.note("line", "seen", open=False, code=code)
        self._lost(code)
        return opened

    async def _listen(self, line: ClientConnection) -> int:
        self._heard = asyncio.get_running_loop().time()
        beating = asyncio.create_task(self._beat(line))
        try:
            async for frame in line:
                self._heard = asyncio.get_running_loop().time()
                self._take_in(frame if isinstance(frame, str) else frame.decode())
        finally:
            beating.cancel()
        return line.close_code or 0

    def _take_in(self, frame: str) -> None:
        if not frame.startswith("{"):
            self.signature = ""
            for offer in page_parser.read(frame).offers:
                self._card(offer)
            return
        said = json.loads(frame)
        if "signature" not in said or said["signature"] != self.signature:
            self._news()

    async def _beat(self, line: ClientConnection) -> None:
        while await self._send("{}"):
            await asyncio.sleep(BEAT)
            if asyncio.get_running_loop().time() - self._heard > SILENT:
                await line.close(4000)

    async def _send(self, frame: str) -> bool:
        if self._open is None:
            return False
        with suppress(WebSocketException, OSError):
            await self._open.send(frame)
            return True
        return False
