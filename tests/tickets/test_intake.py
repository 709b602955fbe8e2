"""Intake: one statement opens a ticket and stores the response, or reports why not."""

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from tests import factories
from tests.together import await_lock_wait, call_or_code
from tickets import clock, intake, lifecycle, queue
from tickets.errors import ConversationAlreadyOpen, KeyBusy, KeyReused
from tickets.handoff import Escalation
from tickets.idempotency import IdempotentResponse
from tickets.models import Client, Handoff, IdempotencyKey, Ticket

pytestmark = pytest.mark.django_db
MANY = 4000


def escalate(
    client: Client, *, key: str = "1", payload: bytes = b"{}", conversation: str = "c"
) -> IdempotentResponse:
    asked = factories.escalation(conversation_ref=conversation)
    return intake.open_ticket(
        client,
        Escalation.model_validate_json(json.dumps(asked)),
        key=key,
        payload=payload,
        answer=factories.shorten,
        about=clock.now(),
    )


def test_a_retry_gets_the_stored_response() -> None:
    client = factories.make_client()

    first, again = escalate(client), escalate(client)

    ticket = Ticket.objects.get()
    assert first == (201, {"ticket": str(ticket.pk), "position": 1}, False)
    assert again == (201, first.body, True)


def test_a_retry_after_the_ticket_ended_gets_the_stored_response() -> None:
    client = factories.make_client()
    first = escalate(client)
    lifecycle.abandon(Ticket.objects.get(), reason="left", at=clock.now())

    again = escalate(client)

    assert again == (201, first.body, True)
    assert Ticket.objects.count() == 1


def test_two_clients_may_use_the_same_key() -> None:
    escalate(factories.make_client())

    assert not escalate(factories.make_client("other")).replayed


def test_only_the_fingerprint_of_a_request_is_stored() -> None:
    escalate(factories.make_client(), payload=b'{"name": "Mia"}')

    kept = IdempotencyKey.objects.get()
    assert kept.fingerprint == hashlib.sha256(b'{"name": "Mia"}').hexdigest()


def test_another_payload_under_the_same_key_is_refused() -> None:
    client = factories.make_client()
    escalate(client)

    with pytest.raises(KeyReused):
        escalate(client, payload=b"{ }", conversation="d")

    assert Ticket.objects.count() == 1


def test_a_refused_escalation_leaves_the_key_free() -> None:
    client = factories.make_client()
    escalate(client)
    with pytest.raises(ConversationAlreadyOpen) as refused:
        escalate(client, key="2")
    lifecycle.abandon(Ticket.objects.get(), reason="left", at=clock.now())

    later = escalate(client, key="2")

    assert (later.status, later.replayed) == (201, False)
    assert later.body["ticket"] != str(refused.value.ticket)


def test_a_key_that_is_in_use_elsewhere_is_busy_and_writes_nothing() -> None:
    client = factories.make_client()
    given = connection.settings_dict

    with psycopg.connect(dbname=given["NAME"], user=given["USER"], host=given["HOST"]) as elsewhere:
        hold = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"
        elsewhere.execute(hold, [f"{client.pk}:1"])

        with pytest.raises(KeyBusy):
            escalate(client)
        assert not Ticket.objects.exists()
        assert escalate(client, key="2").status == 201


@contextmanager
def meanwhile(call: Callable[[], Any]) -> Iterator["list[Future[Any]]"]:
    """Run the call on another connection, where it waits for this transaction."""
    running: list[Future[Any]] = []
    with ThreadPoolExecutor(1) as threads:
        with transaction.atomic():
            yield running
            running.append(threads.submit(call_or_code, call))
            await_lock_wait()
        running[0].exception(timeout=10)


def open_or_name(client: Client, **given: Any) -> Any:
    """Return the response, or the ticket that is already open."""
    try:
        return escalate(client, **given)
    except ConversationAlreadyOpen as refused:
        return refused.ticket


@pytest.mark.django_db(transaction=True)
def test_a_ticket_opened_since_the_statement_began_is_named() -> None:
    client = factories.make_client()

    with meanwhile(lambda: open_or_name(client, key="2")) as later:
        first = escalate(client, key="1")

    assert str(later[0].result()) == first.body["ticket"]
    assert Ticket.objects.count() == IdempotencyKey.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_conflict_that_stays_invisible_is_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "ATTEMPTS", 1)
    client = factories.make_client()

    with meanwhile(lambda: escalate(client, key="2")) as later:
        escalate(client, key="1")

    assert later[0].result() == KeyBusy.code


@pytest.mark.django_db(transaction=True)
def test_a_key_answered_since_the_statement_began_is_replayed() -> None:
    """The other request has released the lock, and this snapshot lacks its response."""
    client = factories.make_client()

    with meanwhile(lambda: escalate(client)) as later:
        IdempotencyKey.objects.create(
            client=client,
            key="1",
            fingerprint=hashlib.sha256(b"{}").hexdigest(),
            status=201,
            body={"ticket": "theirs"},
        )

    assert later[0].result() == (201, {"ticket": "theirs"}, True)
    assert not Ticket.objects.exists()
    assert not Handoff.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_conversation_that_ends_while_the_statement_runs_is_opened() -> None:
    client = factories.make_client()
    escalate(client)

    with meanwhile(lambda: escalate(client, key="2")) as later:
        lifecycle.abandon(Ticket.objects.get(), reason="left", at=clock.now())

    assert later[0].result().status == 201
    assert sorted(Ticket.objects.values_list("status", flat=True)) == ["abandoned", "queued"]


def test_the_statement_names_every_column_of_a_ticket() -> None:
    found = re.search(r"INSERT INTO tickets_ticket \(([^)]*)\)", intake.OPEN)

    assert found
    assert sorted(re.findall(r"\w+", found[1])) == sorted(intake.COLUMNS)


def test_the_statement_counts_the_tickets_ahead_as_the_queue_does() -> None:
    client = factories.make_client()
    factories.make_ticket(client)
    factories.make_ticket(client, urgency="high")
    factories.make_ticket(client, language="fr")

    opened = escalate(client)

    ticket = Ticket.objects.get(pk=opened.body["ticket"])
    assert opened.body["position"] == queue.get_position(ticket) == 3


def test_the_statement_uses_indexes_among_thousands_of_rows() -> None:
    client, at = factories.make_client(), clock.now() - timedelta(hours=1)
    over = {"status": "resolved", "closed_at": at, "queued_at": at, "due_at": at, "give_up_at": at}
    Ticket.objects.bulk_create(
        (
            Ticket(client=client, conversation_ref=f"c{n}", language="en", lane="en/1", **over)
            for n in range(MANY)
        ),
        batch_size=1000,
    )
    IdempotencyKey.objects.bulk_create(
        IdempotencyKey(client=client, key=f"k{n}", fingerprint="f", status=201, body={})
        for n in range(MANY)
    )
    for _ in range(20):
        factories.make_ticket(client)

    with CaptureQueriesContext(connection) as asked:
        escalate(client)
    (statement,) = [one["sql"] for one in asked if "INSERT INTO tickets_ticket" in one["sql"]]
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE tickets_ticket, tickets_idempotencykey")
        cursor.execute(f"EXPLAIN {statement}")
        plan = "\n".join(line for (line,) in cursor.fetchall())

    assert "one_answer_per_key" in plan
    assert not re.findall(r"Seq Scan on tickets_(?:ticket|idempotencykey)\b.*", plan)
