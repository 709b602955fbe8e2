"""The receiver of the load: what the platform signs is taken in; what it did not is refused."""

import asyncio
from typing import Any

import pytest

from dispatch.loadtest import history
from dispatch.loadtest.history import HistoryStore
from dispatch.loadtest.webhook_server import WebhookServer
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
        mailbox = WebhookServer(secret, HistoryStore().book("mailbox"))
        answers = [mailbox.take_in(headers, body) for _ in range(2)]
        box = mailbox.subscribe(ticket)
        return answers, box.qsize()

    answers, waiting = asyncio.run(hear())

    assert answers == ["204 No Content"] * 2
    assert waiting == 1


def test_each_time_it_comes_is_noted(letter: Any, tmp_path: Any) -> None:
    secret, body, headers, ticket = letter
    mailbox = WebhookServer(secret, HistoryStore(tmp_path).book("mailbox"))

    mailbox.take_in(headers, body)
    mailbox.take_in(headers, body)

    (first, second) = history.read(tmp_path)
    assert (first["type"], first["ticket"], first["version"]) == ("ticket.answered", ticket, 1)
    assert first["id"] == second["id"] == headers["webhook-id"]


@pytest.mark.parametrize("spoilt", ["body", "signature"])
def test_what_the_platform_did_not_sign_is_refused(letter: Any, spoilt: str) -> None:
    secret, body, headers, ticket = letter
    shelf = HistoryStore()
    mailbox = WebhookServer(secret, shelf.book("mailbox"))
    if spoilt == "body":
        body = body.replace(ticket.encode(), b"0" * 36)
    else:
        headers = headers | {"webhook-signature": "v1,AAAA"}

    answer = mailbox.take_in(headers, body)

    assert answer == "401 Unauthorized"
    assert shelf.count("webhook", "refused") == 1
    assert shelf.count("webhook", "seen") == 0
