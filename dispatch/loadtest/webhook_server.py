"""The webhook endpoint of a chatbot: an HTTP server that verifies the sender of each event."""

import asyncio
import json
import socket
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import uvicorn
from standardwebhooks import Webhook, WebhookVerificationError
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from dispatch.loadtest.history import History

#: The longest body that is read.
MAX_BYTES = 1024 * 1024
#: Seconds that open requests get to end when the server is closed.
CLOSE_WITHIN = 1
REMEMBERED_IDS = 10_000
REMEMBERED_TICKETS = 1000
#: An idle connection could be closed just as the platform sends on it, and cost a webhook a retry.
CLOSE = {"connection": "close"}

Event = dict[str, Any]


class WebhookServer:
    """Takes each webhook once and queues it for the subscriber to its ticket."""

    def __init__(self, secret: str, history: History) -> None:
        self._webhook, self._history = Webhook(secret), history
        self._subscribers: dict[str, asyncio.Queue[Event]] = {}
        self._early: defaultdict[str, list[Event]] = defaultdict(list)
        self._seen: dict[str, None] = {}
        self._server: uvicorn.Server | None = None
        self._serving: asyncio.Task[None] | None = None

    async def open(self, port: int = 0) -> int:
        """Listen on the loopback, in this event loop; returns the port."""
        # Bound here: the port is known, and connections are queued, before uvicorn has started.
        listener = socket.create_server(("127.0.0.1", port), backlog=2048)
        self._server = _EmbeddedServer(self._config())
        self._serving = asyncio.create_task(self._server.serve(sockets=[listener]))
        return int(listener.getsockname()[1])

    async def close(self) -> None:
        if self._server and self._serving:
            self._server.should_exit = True
            await self._serving

    def subscribe(self, ticket: str) -> "asyncio.Queue[Event]":
        """The events of this ticket from now on, and those that came before the subscription."""
        queue = self._subscribers.setdefault(ticket, asyncio.Queue())
        for event in self._early.pop(ticket, []):
            queue.put_nowait(event)
        return queue

    def unsubscribe(self, ticket: str) -> None:
        self._subscribers.pop(ticket, None)
        self._early.pop(ticket, None)

    def receive(self, headers: Mapping[str, str], body: bytes) -> int:
        """Note a webhook and pass it on; returns the status to answer with."""
        try:
            self._webhook.verify(body, dict(headers))
        except WebhookVerificationError as forged:
            self._history.note("webhook", "refused", why=str(forged))
            return 401
        event = json.loads(body)
        about, number = event["data"], headers["webhook-id"]
        facts = {name: about[name] for name in ("ticket", "version", "message") if name in about}
        self._history.note("webhook", "seen", id=number, type=event["type"], **facts)
        if number not in self._seen:
            self._remember(number)
            self._deliver(about["ticket"], event)
        return 204

    def _config(self) -> uvicorn.Config:
        app = Starlette(routes=[Route("/{path:path}", self._answer, methods=["POST"])])
        return uvicorn.Config(
            app,
            lifespan="off",
            ws="none",
            log_config=None,
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=CLOSE_WITHIN,
        )

    async def _answer(self, request: Request) -> Response:
        body = bytearray()
        try:
            async for chunk in request.stream():
                body += chunk
                if len(body) > MAX_BYTES:
                    return Response(status_code=413, headers=CLOSE)
        except ClientDisconnect:
            return Response(status_code=400)
        return Response(status_code=self.receive(request.headers, bytes(body)), headers=CLOSE)

    def _deliver(self, ticket: str, event: Event) -> None:
        if queue := self._subscribers.get(ticket):
            queue.put_nowait(event)
        else:
            self._early[ticket].append(event)
            if len(self._early) > REMEMBERED_TICKETS:
                del self._early[next(iter(self._early))]

    def _remember(self, number: str) -> None:
        """Keep the newest ids: a repetition comes soon after."""
        self._seen[number] = None
        if len(self._seen) > REMEMBERED_IDS:
            del self._seen[next(iter(self._seen))]


class _EmbeddedServer(uvicorn.Server):
    """Leaves the signals to the program that runs it."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
