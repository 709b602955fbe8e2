"""The receiver of the load: what the platform signs is taken in; what it did not is refused."""

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
def letter() -> tuple[str, bytes, dict[str, str], str]:
    """The receiver's secret, and a webhook as the platform sends it."""
    factories.make_endpoint()
    work = factories.make_assignment()
    delivery = WebhookDelivery.objects.get()
    body, headers = outbox.sign(delivery, at=clock.now())
    return delivery.endpoint.secret, body, headers, str(work.ticket_id)


def test_whoever_waits_for_news_of_a_ticket_gets_it_once(letter: Any) -> None:
    secret, body, headers, ticket = letter

    async def hear() -> tuple[list[str], int]:
        server = WebhookServer(secret, HistoryStore().history("webhooks"))
        answers = [server.receive(headers, body) for _ in range(2)]
        box = server.subscribe(ticket)
        return answers, box.qsize()

    answers, waiting = asyncio.run(hear())

    assert answers == [204, 204]
    assert waiting == 1


def test_each_time_it_comes_is_noted(letter: Any, tmp_path: Any) -> None:
    secret, body, headers, ticket = letter
    server = WebhookServer(secret, HistoryStore(tmp_path).history("webhooks"))

    server.receive(headers, body)
    server.receive(headers, body)

    (first, second) = history.read(tmp_path)
    assert (first["type"], first["ticket"], first["version"]) == ("ticket.answered", ticket, 1)
    assert first["id"] == second["id"] == headers["webhook-id"]


@pytest.mark.parametrize("spoilt", ["body", "signature"])
def test_what_the_platform_did_not_sign_is_refused(letter: Any, spoilt: str) -> None:
    secret, body, headers, ticket = letter
    store = HistoryStore()
    server = WebhookServer(secret, store.history("webhooks"))
    if spoilt == "body":
        body = body.replace(ticket.encode(), b"0" * 36)
    else:
        headers = headers | {"webhook-signature": "v1,AAAA"}

    answer = server.receive(headers, body)

    assert answer == 401
    assert store.count("webhook", "refused") == 1
    assert store.count("webhook", "seen") == 0


def test_over_http_a_webhook_is_queued_for_its_subscriber(letter: Any) -> None:
    secret, body, headers, ticket = letter

    async def post_webhooks() -> tuple[list[int], str]:
        server = WebhookServer(secret, HistoryStore().history("webhooks"))
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


def test_an_open_server_leaves_signals_to_the_program(letter: Any) -> None:
    secret, *_ = letter

    async def open_and_look() -> object:
        server = WebhookServer(secret, HistoryStore().history("webhooks"))
        await server.open()
        await asyncio.sleep(0.05)
        found = signal.getsignal(signal.SIGTERM)
        await server.close()
        return found

    before = signal.getsignal(signal.SIGTERM)

    assert asyncio.run(open_and_look()) == before
