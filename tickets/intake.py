"""Intake: an escalation becomes a ticket in one statement, key and answer included.

The statement writes everything or nothing. When it writes nothing it reports why: the key was
answered before, another request holds the key, or the conversation has an open ticket. A refused
escalation leaves its key unused.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from django.db import IntegrityError, connection
from psycopg.errors import UniqueViolation
from pydantic_core import to_json
from structlog.contextvars import bind_contextvars

from tickets import idempotency, queue, sql
from tickets.errors import ConversationAlreadyOpen, KeyBusy
from tickets.handoff import Escalation
from tickets.idempotency import IdempotentResponse, Kept
from tickets.models import Client, Ticket
from tickets.models.tickets import lane
from tickets.signals import ticket_queued

OPEN = sql.read(__package__, "open_ticket")
COLUMNS = [field.attname for field in Ticket._meta.concrete_fields]
#: Fields of an escalation that the handoff keeps as JSON.
WRITTEN = ("tried", "transcript", "context")
# A statement sees what was committed before it began, but a unique index also refuses for a row
# committed since. Such a row cannot be read, so the reason is not known: a second statement, with a
# newer snapshot, reads it. A third is for a conversation closed and opened again in between.
ATTEMPTS = 3
Answer = Callable[[Ticket, datetime], dict[str, Any]]


class Result(NamedTuple):
    """What the statement wrote, or why it wrote nothing."""

    held: bool
    kept: Kept | None
    #: `queued_at`, `due_at`, `give_up_at`, and how many wait in front.
    opened: tuple[datetime, datetime, datetime, int] | None
    #: The open ticket of the conversation.
    open_ticket: UUID | None


def open_ticket(
    client: Client,
    escalation: Escalation,
    *,
    key: str,
    payload: bytes,
    answer: Answer,
    about: datetime,
    at: datetime | None = None,
) -> IdempotentResponse:
    """A customer asks for a human: open a ticket, or answer as before.

    Raises KeyMissing, KeyReused, KeyBusy, ConversationAlreadyOpen. `answer`: what the bot is told
    of the ticket, given the moment. `about`: what time it is, near enough for an estimate. `at`:
    when the ticket is queued; if not given, the database says.

    Call it outside a transaction: in one, a key that another request answers at this very moment
    ends the transaction.
    """
    key = idempotency.read_key(key)
    ticket = queue.promised(_draft(client, escalation, at=about), at=about)
    body = answer(ticket, about)
    values = _values(ticket, escalation) | {
        "key": key,
        "fingerprint": idempotency.fingerprint(payload),
        "body": orjson.dumps(body).decode(),
        "at": at,
    }
    for _ in range(ATTEMPTS):
        result = _run(values)
        if result and result.opened:
            _announce(ticket, *result.opened)
            return IdempotentResponse(201, body | {"position": ticket.ahead + 1})
        if result and (before := _explain(result, payload=payload)):
            return before
    raise KeyBusy


def _run(values: dict[str, Any]) -> Result | None:
    """Run the statement; None when another request answered the key since it began.

    Then the ticket was written and the key was refused, so PostgreSQL took both back.
    """
    try:
        with connection.cursor() as cursor:
            cursor.execute(OPEN, values)
            held, fingerprint, status, body, *opened, open_ticket = cursor.fetchone()
    except IntegrityError as error:
        if isinstance(error.__cause__, UniqueViolation):
            return None
        raise
    kept = Kept(fingerprint, status, body) if fingerprint else None
    return Result(held, kept, tuple(opened) if opened[0] else None, open_ticket)


def _explain(result: Result, *, payload: bytes) -> IdempotentResponse | None:
    """The answer given before, or the refusal; None when the statement could not see the reason."""
    if not result.held:
        raise KeyBusy
    if result.kept:
        return idempotency.replay(result.kept, payload=payload)
    if result.open_ticket:
        raise ConversationAlreadyOpen(result.open_ticket)
    return None


def _announce(
    ticket: Ticket, queued_at: datetime, due_at: datetime, give_up_at: datetime, ahead: int
) -> None:
    """The ticket has the database's moments, and those who listen know that it waits."""
    ticket.queued_at, ticket.due_at, ticket.give_up_at = queued_at, due_at, give_up_at
    ticket.ahead = ahead
    bind_contextvars(ticket=str(ticket.pk))
    ticket_queued.send(Ticket, ticket=ticket, at=queued_at)


def _draft(client: Client, escalation: Escalation, *, at: datetime) -> Ticket:
    """The ticket an escalation asks for, not yet written."""
    skills = {need.code: need.level for need in escalation.skills}
    gives_way = [need.code for need in escalation.skills if need.gives_way]
    may_be_lowered = bool(gives_way) or any(level > 1 for level in skills.values())
    return Ticket(
        client=client,
        conversation_ref=escalation.conversation_ref,
        customer_ref=escalation.customer.ref,
        customer_name=escalation.customer.name,
        language=escalation.base_language,
        topic=escalation.topic,
        skills=skills,
        gives_way=gives_way,
        # No policy lowers anything before the promise is over.
        lower_at=at + client.answer_within if may_be_lowered else None,
        lane=lane(escalation.base_language, skills, client.certificate),
        urgency=escalation.urgency_level,
        queued_at=at,
        due_at=at + client.answer_within,
        give_up_at=at + client.patience,
    )


def _values(ticket: Ticket, escalation: Escalation) -> dict[str, Any]:
    """The values of a ticket's row and of its handoff."""
    values = {name: getattr(ticket, name) for name in COLUMNS}
    values |= {"answer_within": ticket.client.answer_within, "patience": ticket.client.patience}
    values |= {"skills": _as_json(ticket.skills), "summary": escalation.summary}
    return values | {name: _as_json(getattr(escalation, name)) for name in WRITTEN}


def _as_json(value: Any) -> str:
    """As the bot wrote it: numbers of any size, times with their Z."""
    return to_json(value).decode()
