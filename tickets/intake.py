"""Intake: the usual escalation in one statement, key and answer included.

A new key, nobody holding it, no open ticket of the conversation: that is nearly every escalation,
and then the database is asked once instead of five times. Whatever is not as usual changes nothing
here and takes the long way (`tickets.idempotency.once` around `tickets.lifecycle.open_ticket`).
"""

import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import Any

import orjson
from django.db import IntegrityError, connection
from structlog.contextvars import bind_contextvars

from tickets import idempotency, lifecycle, queue
from tickets.handoff import Escalation
from tickets.idempotency import Outcome
from tickets.models import Client, Ticket
from tickets.signals import ticket_queued

#: What the database's own clock says, at the one moment all of it happens.
MOMENTS = {
    "queued_at": "statement_timestamp()",
    "due_at": "statement_timestamp() + %(answer_within)s::interval",
    "give_up_at": "statement_timestamp() + %(patience)s::interval",
}
VALUES = ", ".join(MOMENTS.get(name, f"%({name})s") for name in lifecycle.COLUMNS)
# Whoever escalates with the same key at the same moment is refused by the lock, or by the key's own
# constraint when this statement began before the other one ended; then nothing here has happened.
OPEN = f"""
WITH hold AS MATERIALIZED (
    SELECT pg_try_advisory_xact_lock(
        hashtextextended(%(client_id)s::text || ':' || %(key)s::text, 0)) AS held
), opened AS (
    INSERT INTO tickets_ticket ({", ".join(lifecycle.COLUMNS)})
    SELECT {VALUES} FROM hold WHERE held AND NOT EXISTS (
        SELECT 1 FROM tickets_idempotencykey WHERE client_id = %(client_id)s AND key = %(key)s)
    ON CONFLICT (client_id, conversation_ref) WHERE status IN ('queued', 'active') DO NOTHING
    RETURNING id, queued_at, due_at, give_up_at
), handed_over AS (
    {lifecycle.HAND_OVER}
), line AS (
    SELECT opened.*, ({queue.AHEAD_OF.format(due_at="opened.due_at")}) AS ahead FROM opened
), kept AS (
    INSERT INTO tickets_idempotencykey (client_id, key, fingerprint, status, body, created_at)
    SELECT %(client_id)s, %(key)s, %(fingerprint)s, 201,
        jsonb_set(%(body)s::jsonb, '{{position}}', to_jsonb(ahead + 1)), queued_at
    FROM line
)
SELECT queued_at, due_at, give_up_at, ahead FROM line
"""
Answer = Callable[[Ticket, datetime], dict[str, Any]]


def open_once(
    client: Client,
    escalation: Escalation,
    *,
    key: str,
    payload: bytes,
    answer: Answer,
    about: datetime,
) -> Outcome:
    """Open a ticket, or answer as before. Raises what `once` and `open_ticket` raise.

    `answer`: what the bot is told of the ticket, given the moment. `about`: what time it is, near
    enough for an estimate; when the ticket is queued the database says.
    """
    key = idempotency.read_key(key)
    ticket = queue.promised(lifecycle.drafted(client, escalation, at=about), at=about)
    body = answer(ticket, about)
    if _open(ticket, escalation, key=key, payload=payload, body=body):
        return Outcome(201, body | {"position": ticket.ahead + 1})

    def the_long_way(at: datetime) -> tuple[int, dict[str, Any]]:
        return 201, answer(lifecycle.open_ticket(client, escalation, at=at), at)

    return idempotency.once(client, key=key, payload=payload, run=the_long_way)


def _open(
    ticket: Ticket, escalation: Escalation, *, key: str, payload: bytes, body: dict[str, Any]
) -> bool:
    """Whether it was as usual; then the ticket is open, and whoever listens knows."""
    values = lifecycle.written(ticket, escalation) | {
        "key": key,
        "fingerprint": hashlib.sha256(payload).hexdigest(),
        "body": orjson.dumps(body).decode(),
        "answer_within": ticket.client.answer_within,
        "patience": ticket.client.patience,
    }
    try:
        with connection.cursor() as cursor:
            cursor.execute(OPEN, values)
            opened = cursor.fetchone()
    except IntegrityError:
        return False
    if not opened:
        return False
    ticket.queued_at, ticket.due_at, ticket.give_up_at, ticket.ahead = opened
    bind_contextvars(ticket=str(ticket.pk))
    ticket_queued.send(Ticket, ticket=ticket, at=ticket.queued_at)
    return True
