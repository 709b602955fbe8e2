"""Races of bots, customers and webhook senders: each call has its own thread and connection."""

import json
from collections import Counter
from datetime import timedelta
from uuid import uuid4

import pytest
from django.test import Client as Http

from tests import factories
from tests.together import run_together
from tickets import clock, conversation, lifecycle
from tickets.events import outbox
from tickets.models import IdempotencyKey, Message, Ticket, WebhookDelivery

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_worker")]


def abandon(ticket: Ticket) -> str:
    return lifecycle.abandon(ticket, reason="left", at=clock.now()).status


def test_ten_requests_with_one_key_at_once_open_one_ticket() -> None:
    key = factories.make_key(factories.make_client())
    headers = {"authorization": f"Bearer {key}", "idempotency-key": str(uuid4())}
    body = json.dumps(factories.escalation())

    def escalate() -> tuple[int, str]:
        answer = Http().post(
            "/api/v1/escalations", body, content_type="application/json", headers=headers
        )
        return answer.status_code, answer.json().get("ticket") or answer.json()["code"]

    results = set(run_together(*[escalate] * 10))

    ticket = Ticket.objects.get()
    assert IdempotencyKey.objects.count() == 1
    assert (201, str(ticket.pk)) in results
    assert results <= {(201, str(ticket.pk)), (409, "idempotency_key_busy")}


def test_ten_keys_for_one_conversation_at_once_open_one_ticket() -> None:
    key = factories.make_key(factories.make_client())
    body = json.dumps(factories.escalation())

    def escalate() -> int:
        headers = {"authorization": f"Bearer {key}", "idempotency-key": str(uuid4())}
        return (
            Http()
            .post("/api/v1/escalations", body, content_type="application/json", headers=headers)
            .status_code
        )

    results = Counter(run_together(*[escalate] * 10))

    assert results == {201: 1, 409: 9}
    assert Ticket.objects.count() == 1


def test_the_same_message_ten_times_at_once_is_one_message() -> None:
    ticket = factories.make_ticket()

    def say() -> tuple[int, bool]:
        said, new = conversation.add_message(
            ticket,
            origin=Message.Origin.CUSTOMER,
            text="Hi",
            client_message_id="1",
            at=clock.now(),
        )
        return said.seq, new

    results = Counter(run_together(*[say] * 10))

    assert results == {(1, True): 1, (1, False): 9}
    assert Message.objects.count() == 1


def test_ten_messages_at_once_are_numbered_one_to_ten() -> None:
    ticket = factories.make_ticket()

    run_together(*[lambda n=n: factories.make_message(ticket, str(n)).seq for n in range(10)])

    numbers = Message.objects.order_by("seq").values_list("seq", flat=True)
    assert list(numbers) == list(range(1, 11))
    assert Ticket.objects.get().last_seq == 10


def test_four_senders_at_once_claim_each_webhook_once() -> None:
    factories.make_endpoint()
    for _ in range(12):
        lifecycle.begin(factories.make_ticket(), agent_name="Amina", at=clock.now())

    claimed = run_together(*[lambda: outbox.claim_due(overdue_by=timedelta(), size=5)] * 4)

    ids = [one.pk for batch in claimed for one in batch]
    assert len(ids) == len(set(ids))
    assert set(WebhookDelivery.objects.values_list("attempts", flat=True)) <= {0, 1}


def test_escalating_a_conversation_while_it_closes_does_not_crash() -> None:
    key = factories.make_key(factories.make_client())
    open_one = factories.make_ticket(conversation_ref="c")
    body = json.dumps(factories.escalation(conversation_ref="c"))

    def escalate() -> int:
        headers = {"authorization": f"Bearer {key}", "idempotency-key": str(uuid4())}
        return (
            Http()
            .post("/api/v1/escalations", body, content_type="application/json", headers=headers)
            .status_code
        )

    results = run_together(*[escalate] * 4, lambda: abandon(open_one))

    assert set(results) <= {201, 409, "abandoned"}
