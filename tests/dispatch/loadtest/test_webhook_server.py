"""The load test's webhook server accepts signed webhooks and refuses others."""

import asyncio
import signal
from typing import Any

import httpx
import pytest

from dispatch.loadtest import history
from dispatch.loadtest.history import HistoryStore
from dispatch.loadtest.webhook_server import MAX_BYTES, WebhookServer
from tests import factories
from tickets import clock
from tickets.events import outbox
from tickets.models import WebhookDelivery

pytestmark = pytest.mark.django_db


@pytest.fixture
def signed_webhook() -> tuple[str, bytes, dict[str, str], str]:
    """The server's secret, and a webhook signed as the platform signs it."""
    factories.make_endpoint()
    work = factories.make_assignment()
    delivery = WebhookDelivery.objects.get()
    body, headers = outbox.sign(delivery, at=clock.now())
    return delivery.endpoint.secret, body, headers, str(work.ticket_id)


def test_subscriber_gets_an_event_of_its_ticket_once(signed_webhook: Any) -> None:
    secret, body, headers, ticket = signed_webhook

    async def hear() -> tuple[list[str], int]:
        server = WebhookServer(secret, HistoryStore().open_history("webhooks"))
        answers = [server.receive(headers, body) for _ in range(2)]
        box = server.subscribe(ticket)
        return answers, box.qsize()

    answers, waiting = asyncio.run(hear())

    assert answers == [204, 204]
    assert waiting == 1


def test_every_delivery_is_recorded(signed_webhook: Any, tmp_path: Any) -> None:
    secret, body, headers, ticket = signed_webhook
    server = WebhookServer(secret, HistoryStore(tmp_path).open_history("webhooks"))

    server.receive(headers, body)
    server.receive(headers, body)

    (first, second) = history.read(tmp_path)
    assert (first["type"], first["ticket"], first["version"]) == ("ticket.answered", ticket, 1)
    assert first["id"] == second["id"] == headers["webhook-id"]


@pytest.mark.parametrize("spoilt", ["body", "signature"])
def test_unsigned_webhook_is_refused(signed_webhook: Any, spoilt: str) -> None:
    secret, body, headers, ticket = signed_webhook
    store = HistoryStore()
    server = WebhookServer(secret, store.open_history("webhooks"))
    if spoilt == "body":
        body = body.replace(ticket.encode(), b"0" * 36)
    else:
        headers = headers | {"webhook-signature": "v1,AAAA"}

    answer = server.receive(headers, body)

    assert answer == 401
    assert store.count("webhook", "refused") == 1
    assert store.count("webhook", "seen") == 0


def test_webhook_over_http_is_queued_for_its_subscriber(signed_webhook: Any) -> None:
    secret, body, headers, ticket = signed_webhook

    async def post_webhooks() -> tuple[list[int], str]:
        server = WebhookServer(secret, HistoryStore().open_history("webhooks"))
        address = f"http://127.0.0.1:{await server.open()}/webhooks"
        queue = server.subscribe(ticket)
        async with httpx.AsyncClient(trust_env=False) as platform:
            good = await platform.post(address, content=body, headers=headers)
            forged = await platform.post(address, content=b"{}", headers=headers)
            large = await platform.post(address, content=b" " * (MAX_BYTES + 1), headers=headers)
        await server.close()
        with pytest.raises(httpx.ConnectError):
            httpx.post(address, trust_env=False)
        return [good.status_code, forged.status_code, large.status_code], queue.get_nowait()["type"]

    assert asyncio.run(post_webhooks()) == ([204, 401, 413], "ticket.answered")


def test_open_server_leaves_signals_to_the_program(signed_webhook: Any) -> None:
    secret, *_ = signed_webhook

    async def open_and_look() -> object:
        server = WebhookServer(secret, HistoryStore().open_history("webhooks"))
        await server.open()
        await asyncio.sleep(0.05)
        found = signal.getsignal(signal.SIGTERM)
        await server.close()
        return found

    before = signal.getsignal(signal.SIGTERM)

    assert asyncio.run(open_and_look()) == before
