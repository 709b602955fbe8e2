"""Intake: opens a ticket in one SQL statement, with its idempotency key and stored response.

The statement writes everything or nothing. When it writes nothing it reports why: the key was used
before, another request holds the key, or the conversation has an open ticket. A refused escalation
leaves its key unused.
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
from tickets.idempotency import IdempotentResponse, StoredResponse
from tickets.models import Client, Ticket
from tickets.models.tickets import build_lane
from tickets.signals import ticket_queued

OPEN = sql.read(__package__, "open_ticket")
COLUMNS = [field.attname for field in Ticket._meta.concrete_fields]
#: Fields of an escalation that the handoff stores as JSON.
JSON_FIELDS = ("tried", "transcript", "context")
# A unique index also refuses because of a row committed after the statement began. The statement
# cannot read such a row, so it cannot report the reason. A second attempt has a newer snapshot and
# reads the row. The third is for a conversation that was closed and opened again in between.
ATTEMPTS = 3
Answer = Callable[[Ticket, datetime], dict[str, Any]]


class Result(NamedTuple):
    """The result of the statement: the ticket it wrote, or the reason why it wrote nothing."""

    held: bool
    stored: StoredResponse | None
    #: `queued_at`, `due_at`, `give_up_at`, and the number of tickets ahead.
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
    """Open a ticket, or replay the response of an earlier request with the same key.

    Raises KeyMissing, KeyReused, KeyBusy, ConversationAlreadyOpen. `answer` builds the response
    from the ticket and `about`. `about` is the approximate time, used for the wait estimate. `at`
    is when the ticket is queued; by default the database's time.

    Call it outside a transaction. Inside one, a key that another request uses at the same time
    would abort the transaction.
    """
    key = idempotency.read_key(key)
    ticket = queue.quote_wait(_draft_ticket(client, escalation, at=about), at=about)
    body = answer(ticket, about)
    values = _collect_values(ticket, escalation) | {
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
    """Run the statement; None if another request used the key after the statement began.

    In that case the unique index refused the key, and PostgreSQL rolled the ticket back too.
    """
    try:
        with connection.cursor() as cursor:
            cursor.execute(OPEN, values)
            held, fingerprint, status, body, *opened, open_ticket = cursor.fetchone()
    except IntegrityError as error:
        if isinstance(error.__cause__, UniqueViolation):
            return None
        raise
    kept = StoredResponse(fingerprint, status, body) if fingerprint else None
    return Result(held, kept, tuple(opened) if opened[0] else None, open_ticket)


def _explain(result: Result, *, payload: bytes) -> IdempotentResponse | None:
    """Replay the stored response or raise the refusal; None if the reason was not visible."""
    if not result.held:
        raise KeyBusy
    if result.stored:
        return idempotency.replay(result.stored, payload=payload)
    if result.open_ticket:
        raise ConversationAlreadyOpen(result.open_ticket)
    return None


def _announce(
    ticket: Ticket, queued_at: datetime, due_at: datetime, give_up_at: datetime, ahead: int
) -> None:
    """Set the times that the database chose, and send `ticket_queued`."""
    ticket.queued_at, ticket.due_at, ticket.give_up_at = queued_at, due_at, give_up_at
    ticket.ahead = ahead
    bind_contextvars(ticket=str(ticket.pk))
    ticket_queued.send(Ticket, ticket=ticket, at=queued_at)


def _draft_ticket(client: Client, escalation: Escalation, *, at: datetime) -> Ticket:
    """Build the ticket of an escalation, not yet saved."""
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
        # No policy lowers a level before the promised wait is over.
        lower_at=at + client.answer_within if may_be_lowered else None,
        lane=build_lane(escalation.base_language, skills, client.certificate),
        urgency=escalation.urgency_level,
        queued_at=at,
        due_at=at + client.answer_within,
        give_up_at=at + client.patience,
    )


def _collect_values(ticket: Ticket, escalation: Escalation) -> dict[str, Any]:
    """Collect the column values of a ticket and of its handoff."""
    values = {name: getattr(ticket, name) for name in COLUMNS}
    values |= {"answer_within": ticket.client.answer_within, "patience": ticket.client.patience}
    values |= {"skills": _to_json(ticket.skills), "summary": escalation.summary}
    return values | {name: _to_json(getattr(escalation, name)) for name in JSON_FIELDS}


def _to_json(value: Any) -> str:
    """Write JSON as the bot sent it: numbers of any size, times with their Z."""
    return to_json(value).decode()
