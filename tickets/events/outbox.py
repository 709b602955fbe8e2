"""Webhooks in the form of Standard Webhooks, sent from a transactional outbox.

A delivery is written in the same transaction as the change it reports. It is sent afterwards,
outside any transaction, in the order of the ticket's versions. Delivery is at least once, until
the retry schedule of the standard ends.
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
    """The PID of the current PostgreSQL connection."""

    function = "pg_backend_pid"
    output_field = IntegerField()


#: Waits between attempts, from the Standard Webhooks specification; about 75 hours in all.
SCHEDULE = [
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    *(timedelta(hours=hours) for hours in (2, 5, 10, 14, 20, 24)),
]
#: A claim expires after this time, in case its sender died. Longer than any attempt takes.
CLAIM = timedelta(seconds=40)
#: The scheduler sends deliveries that Celery has left unsent for this long.
LATE = timedelta(seconds=3)

RELEASE_DEAD_CLAIMS_SQL = sql.read(__package__, "release_dead_claims")


def queue(ticket: Ticket, kind: str, about: dict[str, Any], *, at: datetime) -> None:
    """Queue a webhook to the ticket's client, in this transaction. Call with the ticket locked."""
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


def send_missed() -> int:
    """Send what Celery missed or a dead sender had claimed; returns the number of attempts."""
    release_dead_claims()
    return deliver_due(overdue_by=LATE)


def release_dead_claims() -> int:
    """Make deliveries claimed by dead senders due again; returns how many."""
    with connection.cursor() as cursor:
        given: dict[str, Any] = {"claim": CLAIM}
        cursor.execute(RELEASE_DEAD_CLAIMS_SQL, given)
        taken: int = cursor.rowcount
    return taken


def deliver_due(*, overdue_by: timedelta = timedelta(), limit: int = 200) -> int:
    """Send due deliveries until none is left or `limit` is reached; returns how many attempts."""
    sent = 0
    while sent < limit and (batch := claim_due(overdue_by=overdue_by)):
        for delivery in batch:
            attempt(delivery)
        sent += len(batch)
    return sent


@transaction.atomic
def claim_due(*, overdue_by: timedelta, size: int = 20) -> list[WebhookDelivery]:
    """Claim the oldest due delivery of each ticket, so that two senders never send the same."""
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
    """Send once and record the result."""
    started = time.monotonic()
    answer = outbound_http.post(delivery.endpoint.url, *sign(delivery, at=clock.now()))
    took = int((time.monotonic() - started) * 1000)
    _record(delivery, answer, took_ms=took, at=clock.now())


def sign(delivery: WebhookDelivery, *, at: datetime) -> tuple[bytes, dict[str, str]]:
    """Build the body and the headers of Standard Webhooks: id, timestamp and signature."""
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
    """The webhook-id that the receiver sees. It is the same in every attempt."""
    return f"msg_{delivery_id.hex}"


@transaction.atomic
def redeliver(delivery: WebhookDelivery, *, at: datetime) -> None:
    """Queue a delivery again that was given up or already delivered."""
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
        _retry_now(delivery.endpoint, at=at)
    elif answer.status == 410:
        row.update(dead_at=at, sender=None)
        WebhookEndpoint.objects.filter(pk=delivery.endpoint_id).update(disabled_at=at)
    elif delivery.attempts >= len(SCHEDULE):
        row.update(dead_at=at, sender=None)
    else:
        row.update(next_attempt_at=at + _get_retry_delay(delivery.attempts), sender=None)


def _retry_now(endpoint: WebhookEndpoint, *, at: datetime) -> None:
    """Retry the other deliveries of an endpoint at once, because it answers again."""
    held_back = WebhookDelivery.objects.unsent().filter(
        endpoint=endpoint, attempts__gt=0, next_attempt_at__gt=at + CLAIM
    )
    held_back.update(next_attempt_at=at)


def _get_retry_delay(attempts: int) -> timedelta:
    """The scheduled wait, plus up to 10% jitter so that retries do not come all at once."""
    return SCHEDULE[attempts] * random.uniform(1, 1.1)
