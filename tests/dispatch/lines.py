"""A browser's WebSocket, and scenarios run on the real application."""

import asyncio
import gc
import json
from collections.abc import Callable, Coroutine
from typing import Any

from asgiref.sync import async_to_sync, sync_to_async
from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.test import Client as Http

from agents.models import User
from config.asgi import application
from dispatch.desk import heartbeats
from dispatch.models import Offer

ORIGIN = settings.ALLOWED_ORIGINS[0]


class Line:
    """A browser's WebSocket."""

    def __init__(self, http: Http | None = None, *, origin: str | None = ORIGIN) -> None:
        headers = [(b"host", b"localhost:8000")]
        if origin is not None:
            headers.append((b"origin", origin.encode()))
        if http is not None and "session" in http.cookies:
            headers.append((b"cookie", f"session={http.cookies['session'].value}".encode()))
        self.socket = WebsocketCommunicator(application, "/ws/desk/", headers=headers)

    async def open(self) -> bool:
        opened, _protocol = await self.socket.connect(timeout=5)
        return opened

    async def beat(self) -> None:
        await self.socket.send_to(text_data="{}")

    async def shows(self, offer: Offer) -> None:
        await self.socket.send_to(text_data=json.dumps({"shown": str(offer.pk)}))

    async def frame(self, *, seconds: float = 4) -> str:
        """The next frame that is not a signature."""
        while True:
            frame = await self.socket.receive_from(timeout=seconds)
            if "signature" not in frame:
                return frame

    async def signature(self) -> str:
        frame = json.loads(await self.socket.receive_from(timeout=4))
        return str(frame["signature"])

    async def closed(self, *, seconds: float = 4) -> int:
        """The code the server closed it with."""
        while True:
            said = await self.socket.receive_output(timeout=seconds)
            if said["type"] == "websocket.close":
                return int(said["code"])

    async def close(self) -> None:
        await self.socket.disconnect(timeout=5)


async def until(wanted: Callable[[], bool], *, seconds: float) -> None:
    """Wait until `wanted()` is true; TimeoutError after `seconds`."""
    async with asyncio.timeout(seconds):
        while not await sync_to_async(wanted)():
            await asyncio.sleep(0.02)


def login(user: User) -> Http:
    http = Http()
    http.force_login(user)
    return http


def run(scene: Coroutine[Any, Any, None]) -> None:
    """Run a scenario, and stop the heartbeat tasks it leaves."""

    async def play() -> None:
        try:
            await scene
        finally:
            pages = heartbeats.PAGES
            for gathered in (pages._beating, pages._open, pages._shown):
                gathered.clear()
            for task in pages._running.values():
                task.cancel()
            await asyncio.gather(*pages._running.values(), return_exceptions=True)
            pages._running.clear()

    async_to_sync(play)()
    gc.collect()
