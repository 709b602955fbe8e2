"""Webhooks by Standard Webhooks, from a transactional outbox.

A row is written in the transaction it tells of. Sending happens after, with no transaction open,
in the order of a ticket's versions, at least once, until the schedule of the standard is spent.
"""

import json
import random
import time
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Exists, F, Func, IntegerField, OuterRef
from standardwebhooks import Webhook

from tickets import clock, sql
from tickets.events import outbound_http
from tickets.events.outbound_http import DeliveryAnswer
from tickets.models import Ticket, WebhookAttempt, WebhookDelivery, WebhookEndpoint
from tickets.signals import webhook_queued


class TicketLine(Func):
    """The number of one's own line to PostgreSQL."""

    function = "pg_backend_pid"
    output_field = IntegerField()


#: Waits between attempts, from the Standard Webhooks specification; about 75 hours in all.
SCHEDULE = [
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    *(timedelta(hours=hours) for hours in (2, 5, 10, 14, 20, 24)),
]
#: A sender that died is replaced after this long; longer than any attempt may take.
CLAIM = timedelta(seconds=40)
#: The scheduler leaves this much to Celery before it sends itself.
LATE = timedelta(seconds=3)

TAKE_OVER_SQL = sql.read(__package__, "take_over")


def queue(ticket: Ticket, kind: str, about: dict[str, Any], *, at: datetime) -> None:
    """Tell the ticket's client, when this transaction commits. Call with the ticket locked."""
    endpoints = WebhookEndpoint.objects.filter(client=ticket.client_id, disabled_at=None)
    payload = {
        "type": kind,
        "timestamp": at.isoformat(),
        "data": {
            "ticket": str(ticket.pk),
            "conversation_ref": ticket.conversation_ref,
            "version": ticket.version,
            **about,
        },
    }
    WebhookDelivery.objects.bulk_create(
        WebhookDelivery(
            endpoint=endpoint,
            ticket=ticket,
            type=kind,
            version=ticket.version,
            payload=payload,
            created_at=at,
            next_attempt_at=at,
        )
        for endpoint in endpoints
    )
    webhook_queued.send(Ticket, at=at)


def catch_up() -> int:
    """Send what Celery has not, and what somebody had in hand who died; returns how many
    attempts."""
    take_over()
    return deliver_due(overdue_by=LATE)


def take_over() -> int:
    """What was claimed by a sender that is gone is due as if it never was; returns how many."""
    given: dict[str, Any] = {"claim": CLAIM}
    with connection.cursor() as cursor:
        cursor.execute(TAKE_OVER_SQL, given)
        taken: int = cursor.rowcount
    return taken


def deliver_due(*, overdue_by: timedelta = timedelta(), limit: int = 200) -> int:
    """Send what is due until nothing is, or `limit` is reached; returns how many attempts."""
    sent = 0
    while sent < limit and (batch := claim_due(overdue_by=overdue_by)):
        for delivery in batch:
            attempt(delivery)
        sent += len(batch)
    return sent


@transaction.atomic
def claim_due(*, overdue_by: timedelta, size: int = 20) -> list[WebhookDelivery]:
    """Take the oldest due news of each ticket, so that two senders never send the same."""
    at = clock.now()
    earlier = WebhookDelivery.objects.unsent().filter(
        endpoint=OuterRef("endpoint"), ticket=OuterRef("ticket"), version__lt=OuterRef("version")
    )
    due = (
        WebhookDelivery.objects.unsent()
        .filter(~Exists(earlier), next_attempt_at__lte=at - overdue_by, endpoint__disabled_at=None)
        .select_related("endpoint")
        .select_for_update(skip_locked=True, of=("self",))
        .order_by("next_attempt_at")[:size]
    )
    batch = list(due)
    WebhookDelivery.objects.filter(pk__in=[delivery.pk for delivery in batch]).update(
        next_attempt_at=at + CLAIM, attempts=F("attempts") + 1, sender=TicketLine()
    )
    return batch


def attempt(delivery: WebhookDelivery) -> None:
    """Send once and write down what came of it."""
    started = time.monotonic()
    answer = outbound_http.post(delivery.endpoint.url, *signed(delivery, at=clock.now()))
    took = int((time.monotonic() - started) * 1000)
    _record(delivery, answer, took_ms=took, at=clock.now())


def signed(delivery: WebhookDelivery, *, at: datetime) -> tuple[bytes, dict[str, str]]:
    """The body and the headers of Standard Webhooks: id, timestamp and signature."""
    body = json.dumps(delivery.payload, ensure_ascii=False, separators=(",", ":"))
    name = webhook_id(delivery.pk)
    return body.encode(), {
        "content-type": "application/json",
        "user-agent": "Releve-Webhooks/1",
        "webhook-id": name,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(delivery.endpoint.secret).sign(name, at, body),
    }


def webhook_id(delivery_id: UUID) -> str:
    """The id of a delivery as its receiver sees it, the same in every attempt."""
    return f"msg_{delivery_id.hex}"


@transaction.atomic
def redeliver(delivery: WebhookDelivery, *, at: datetime) -> None:
    """Send once more what was given up or already delivered."""
    WebhookDelivery.objects.filter(pk=delivery.pk).update(
        delivered_at=None, dead_at=None, attempts=0, next_attempt_at=at, sender=None
    )
    webhook_queued.send(Ticket, at=at)


@transaction.atomic
def _record(
    delivery: WebhookDelivery, answer: DeliveryAnswer, *, took_ms: int, at: datetime
) -> None:
    WebhookAttempt.objects.create(
        delivery=delivery, at=at, status=answer.status, error=answer.error[:200], took_ms=took_ms
    )
    row = WebhookDelivery.objects.filter(pk=delivery.pk)
    if answer.ok:
        row.update(delivered_at=at, sender=None)
        _hurry(delivery.endpoint, at=at)
    elif answer.status == 410:
        row.update(dead_at=at, sender=None)
        WebhookEndpoint.objects.filter(pk=delivery.endpoint_id).update(disabled_at=at)
    elif delivery.attempts >= len(SCHEDULE):
        row.update(dead_at=at, sender=None)
    else:
        row.update(next_attempt_at=at + _wait(delivery.attempts), sender=None)


def _hurry(endpoint: WebhookEndpoint, *, at: datetime) -> None:
    """An endpoint that answers again gets what it missed at once, not when the schedule says."""
    held_back = WebhookDelivery.objects.unsent().filter(
        endpoint=endpoint, attempts__gt=0, next_attempt_at__gt=at + CLAIM
    )
    held_back.update(next_attempt_at=at)


def _wait(attempts: int) -> timedelta:
    """The standard's schedule, spread by up to a tenth so that a crowd does not return at once."""
    return SCHEDULE[attempts] * random.uniform(1, 1.1)
