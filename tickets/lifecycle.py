"""The life of a ticket: queued, then active, then one end. Each verb locks the ticket first."""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Coalesce
from pydantic_core import to_json
from structlog.contextvars import bind_contextvars

from tickets import queue
from tickets.errors import (
    ConversationAlreadyOpen,
    TicketClosed,
    TicketError,
    TicketNotActive,
    TicketNotWaiting,
)
from tickets.events import outbox
from tickets.handoff import Escalation
from tickets.models import Client, Ticket
from tickets.models.tickets import lane
from tickets.signals import ticket_closed, ticket_queued

Status = Ticket.Status
Needs = Callable[[Mapping[str, int]], Mapping[str, int]]
#: Whoever loses their agent goes before all who have not waited this much longer.
HEAD_OF_QUEUE = timedelta(minutes=10)

COLUMNS = [field.attname for field in Ticket._meta.concrete_fields]
#: What is kept of an escalation as JSON.
WRITTEN = ("tried", "transcript", "context")
HAND_OVER = """
    INSERT INTO tickets_handoff (ticket_id, contract, summary, tried, transcript, context)
    SELECT id, 1, %(summary)s, %(tried)s::jsonb, %(transcript)s::jsonb, %(context)s::jsonb
    FROM opened
"""
# The ORM would take two statements and a savepoint, on the path where every millisecond counts.
INSERT = f"""
WITH opened AS (
    INSERT INTO tickets_ticket ({", ".join(COLUMNS)})
    VALUES ({", ".join(f"%({name})s" for name in COLUMNS)})
    ON CONFLICT (client_id, conversation_ref) WHERE status IN ('queued', 'active') DO NOTHING
    RETURNING id
), handed_over AS ({HAND_OVER})
SELECT ({queue.AHEAD}) FROM opened
"""


def open_ticket(client: Client, escalation: Escalation, *, at: datetime) -> Ticket:
    """A customer asks for a human. Raises ConversationAlreadyOpen."""
    while not (ticket := _open(client, escalation, at=at)):
        of_it = Ticket.objects.filter(conversation_ref=escalation.conversation_ref)
        if held := of_it.open().of(client).first():
            raise ConversationAlreadyOpen(held.pk)
        # It closed in between, so there is room now.
    return ticket


@transaction.atomic(savepoint=False)
def _open(client: Client, escalation: Escalation, *, at: datetime) -> Ticket | None:
    """None if the conversation has an open ticket."""
    ticket = _insert(client, escalation, at=at)
    if ticket:
        bind_contextvars(ticket=str(ticket.pk))
        ticket_queued.send(Ticket, ticket=ticket, at=at)
    return ticket


def mark_asked(ticket_id: UUID, *, until: datetime | None) -> None:
    """Offers are out, and nobody else is asked until then, if ever. Call with it locked."""
    Ticket.objects.filter(pk=ticket_id).update(asked=True, ask_again_at=until)


def mark_unasked(ticket_ids: Collection[UUID]) -> None:
    """Somebody may be asked for these tickets. Call with them locked."""
    Ticket.objects.filter(pk__in=ticket_ids).update(asked=False, ask_again_at=None)


@transaction.atomic
def mark_unasked_due(*, at: datetime, limit: int) -> int:
    """Further agents may be asked where the first had long enough; returns how many tickets."""
    due = Ticket.objects.queued().filter(asked=True, ask_again_at__lte=at)
    held = due.order_by("ask_again_at").select_for_update(skip_locked=True)
    ids = list(held.values_list("pk", flat=True)[:limit])
    if ids:
        mark_unasked(ids)
    return len(ids)


@transaction.atomic
def relax(*, queued_before: datetime, step: int, needs: Needs, limit: int) -> int:
    """Lower what is asked for of tickets that waited so long; returns how many.

    `needs`: the levels asked for at this step, of the levels asked for at first. What the customer
    asked for stays on the ticket; only the lane it waits in changes.
    """
    due = Ticket.objects.queued().filter(relaxed__lt=step, queued_at__lte=queued_before)
    due = due.exclude(skills={})
    held = due.select_related("client").order_by("queued_at")
    tickets = list(held.select_for_update(skip_locked=True, of=("self",))[:limit])
    for ticket in tickets:
        ticket.relaxed = step
        ticket.lane = lane(ticket.language, needs(ticket.skills), ticket.client.certificate)
    Ticket.objects.bulk_update(tickets, ["relaxed", "lane"])
    return len(tickets)


def lock(ticket: Ticket) -> Ticket:
    """This ticket as it is now, held until the transaction ends. Always the first lock taken."""
    bind_contextvars(ticket=str(ticket.pk))
    return Ticket.objects.select_for_update().get(pk=ticket.pk)


@transaction.atomic
def begin(ticket: Ticket, *, agent_name: str, at: datetime) -> Ticket:
    """An agent takes the ticket. Raises TicketNotWaiting."""
    ticket = _move(
        ticket,
        {Status.QUEUED},
        Status.ACTIVE,
        refusal=TicketNotWaiting,
        epoch=F("epoch") + 1,
        answered_at=Coalesce(F("answered_at"), at),
        answered_by=agent_name,
    )
    outbox.queue(ticket, "ticket.answered", {"agent": {"name": agent_name}}, at=at)
    return ticket


@transaction.atomic
def requeue(ticket: Ticket, *, reason: str, at: datetime) -> Ticket:
    """The agent was lost: the ticket waits again, at the head. Raises TicketNotActive."""
    ticket = _move(
        ticket,
        {Status.ACTIVE},
        Status.QUEUED,
        refusal=TicketNotActive,
        due_at=F("queued_at") - HEAD_OF_QUEUE,
        give_up_at=at + ticket.client.patience,
        answered_by="",
        asked=False,
        ask_again_at=None,
    )
    outbox.queue(ticket, "ticket.requeued", {"reason": reason}, at=at)
    ticket_queued.send(Ticket, ticket=ticket, at=at)
    return ticket


def resolve(ticket: Ticket, *, disposition: str, note: str = "", at: datetime) -> Ticket:
    """The agent closes the conversation. Raises TicketNotActive."""
    news = {"disposition": disposition, "note": note}
    return _end(ticket, {Status.ACTIVE}, Status.RESOLVED, "ticket.resolved", news, at=at, **news)


def hand_back(ticket: Ticket, *, reason: str, note: str = "", at: datetime) -> Ticket:
    """The conversation returns to the bot. Raises TicketClosed."""
    return _end(
        ticket,
        set(Ticket.OPEN),
        Status.HANDED_BACK,
        "ticket.handed_back",
        {"reason": reason, "note": note},
        at=at,
        disposition=reason,
        note=note,
    )


def give_up(ticket: Ticket, *, reason: str = "no_agent", at: datetime) -> Ticket:
    """Nobody came in time: the customer is told, the bot takes over. Raises TicketNotWaiting."""
    return _end(
        ticket,
        {Status.QUEUED},
        Status.UNAVAILABLE,
        "ticket.unavailable",
        {"reason": reason},
        at=at,
        disposition=reason,
    )


@transaction.atomic
def abandon(ticket: Ticket, *, reason: str, at: datetime) -> Ticket:
    """The customer left. Asked of a ticket that ended already, it changes nothing."""
    ticket = lock(ticket)
    if not ticket.is_open:
        return ticket
    return _end(ticket, set(Ticket.OPEN), Status.ABANDONED, None, {}, at=at, disposition=reason)


@transaction.atomic
def _end(
    ticket: Ticket,
    expected: set[Status],
    status: Status,
    news: str | None,
    about: dict[str, Any],
    *,
    at: datetime,
    **changes: Any,
) -> Ticket:
    refusal = TicketNotActive if expected == {Status.ACTIVE} else TicketNotWaiting
    ticket = _move(ticket, expected, status, refusal=refusal, closed_at=at, **changes)
    if news:
        outbox.queue(ticket, news, about, at=at)
    ticket_closed.send(Ticket, ticket=ticket, at=at)
    return ticket


def _move(
    ticket: Ticket,
    expected: set[Status],
    status: Status,
    *,
    refusal: type[TicketError],
    **changes: Any,
) -> Ticket:
    """One conditional UPDATE; of two racing callers the database lets one win."""
    held = lock(ticket)
    moved = Ticket.objects.filter(pk=ticket.pk, status__in=expected).update(
        status=status, version=F("version") + 1, **changes
    )
    if not moved:
        raise refusal if held.is_open else TicketClosed
    return Ticket.objects.select_related("client").get(pk=ticket.pk)


def _insert(client: Client, escalation: Escalation, *, at: datetime) -> Ticket | None:
    """The ticket and what was handed over, in one statement; None if the conversation has one."""
    ticket = queue.promised(drafted(client, escalation, at=at), at=at)
    with connection.cursor() as cursor:
        cursor.execute(INSERT, written(ticket, escalation))
        opened = cursor.fetchone()
    if not opened:
        return None
    ticket.ahead = opened[0]
    return ticket


def written(ticket: Ticket, escalation: Escalation) -> dict[str, Any]:
    """The values of a ticket's row and of what was handed over."""
    values = {name: getattr(ticket, name) for name in COLUMNS}
    values |= {"skills": as_json(ticket.skills), "summary": escalation.summary}
    return values | {name: as_json(getattr(escalation, name)) for name in WRITTEN}


def as_json(value: Any) -> str:
    """As the bot wrote it: numbers of any size, times with their Z."""
    return to_json(value).decode()


def drafted(client: Client, escalation: Escalation, *, at: datetime) -> Ticket:
    """The ticket an escalation asks for, not yet written."""
    skills = {need.code: need.level for need in escalation.skills}
    return Ticket(
        client=client,
        conversation_ref=escalation.conversation_ref,
        customer_ref=escalation.customer.ref,
        customer_name=escalation.customer.name,
        language=escalation.base_language,
        topic=escalation.topic,
        skills=skills,
        lane=lane(escalation.base_language, skills, client.certificate),
        urgency=escalation.urgency_level,
        queued_at=at,
        due_at=at + client.answer_within,
        give_up_at=at + client.patience,
    )
