"""A chatbot's webhook endpoint: a real HTTP server that verifies who sent what it hears."""

import asyncio
import json
from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError

from dispatch.loadtest.history import History

#: The longest head and body that are read.
MOST_BYTES = 1024 * 1024
News = dict[str, Any]


class WebhookServer:
    """Takes in webhooks, each once, and lays them before whoever waits for news of a ticket."""

    def __init__(self, secret: str, book: History) -> None:
        self._webhook, self._book = Webhook(secret), book
        self._waiting: dict[str, asyncio.Queue[News]] = {}
        self._early: defaultdict[str, list[News]] = defaultdict(list)
        self._heard: dict[str, None] = {}
        self._server: asyncio.Server | None = None

    async def open(self, port: int = 0) -> int:
        """Listen on the loopback; returns the port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port, limit=MOST_BYTES)
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        if self._server:
            self._server.close()

    def subscribe(self, ticket: str) -> "asyncio.Queue[News]":
        """The news of this ticket from now on, and what came before anybody asked."""
        box = self._waiting.setdefault(ticket, asyncio.Queue())
        for news in self._early.pop(ticket, []):
            box.put_nowait(news)
        return box

    def forget(self, ticket: str) -> None:
        self._waiting.pop(ticket, None)
        self._early.pop(ticket, None)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            named = (line.partition(": ") for line in head.split("\r\n")[1:] if line)
            headers = {name.lower(): value for name, _colon, value in named}
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            status = self.take_in(headers, body)
            writer.write(f"HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n".encode())
            await writer.drain()
        writer.close()

    def take_in(self, headers: Mapping[str, str], body: bytes) -> str:
        """Note it and pass it on; the status to answer with."""
        try:
            self._webhook.verify(body, dict(headers))
        except WebhookVerificationError as forged:
            self._book.note("webhook", "refused", why=str(forged))
            return "401 Unauthorized"
        news = json.loads(body)
        about, number = news["data"], headers["webhook-id"]
        facts = {name: about[name] for name in ("ticket", "version", "message") if name in about}
        self._book.note("webhook", "seen", id=number, type=news["type"], **facts)
        if number not in self._heard:
            self._remember(number)
            self._pass_on(about["ticket"], news)
        return "204 No Content"

    def _pass_on(self, ticket: str, news: News) -> None:
        if box := self._waiting.get(ticket):
            box.put_nowait(news)
        else:
            self._early[ticket].append(news)
            if len(self._early) > 1000:
                del self._early[next(iter(self._early))]

    def _remember(self, number: str) -> None:
        """The last ten thousand are enough to know a repetition by."""
        self._heard[number] = None
        if len(self._heard) > 10_000:
            del self._heard[next(iter(self._heard))]
