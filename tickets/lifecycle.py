"""The life of a ticket: queued, then active, then one end. Each verb locks the ticket first."""

from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F
from django.db.models.functions import Coalesce

from tickets import webhooks
from tickets.errors import (
    ConversationAlreadyOpen,
    TicketClosed,
    TicketError,
    TicketNotActive,
    TicketNotWaiting,
)
from tickets.handoff import Escalation
from tickets.models import Client, Handoff, Ticket
from tickets.signals import ticket_closed, ticket_queued

Status = Ticket.Status


@transaction.atomic
def open_ticket(client: Client, escalation: Escalation, *, at: datetime) -> Ticket:
    """A customer asks for a human. Raises ConversationAlreadyOpen."""
    ticket = _insert(client, escalation, at=at)
    Handoff.objects.create(
        ticket=ticket,
        summary=escalation.summary,
        tried=escalation.tried,
        transcript=[line.model_dump(mode="json") for line in escalation.transcript],
        context=escalation.context,
    )
    ticket_queued.send(Ticket, ticket=ticket, at=at)
    return ticket


def lock(ticket: Ticket) -> Ticket:
    """This ticket as it is now, held until the transaction ends. Always the first lock taken."""
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
    webhooks.queue(ticket, "ticket.answered", {"agent": {"name": agent_name}}, at=at)
    return ticket


@transaction.atomic
def requeue(ticket: Ticket, *, reason: str, at: datetime) -> Ticket:
    """The agent was lost: the ticket waits again, at the head. Raises TicketNotActive."""
    ticket = _move(
        ticket,
        {Status.ACTIVE},
        Status.QUEUED,
        refusal=TicketNotActive,
        due_at=F("queued_at"),
        give_up_at=at + ticket.client.patience,
        answered_by="",
    )
    webhooks.queue(ticket, "ticket.requeued", {"reason": reason}, at=at)
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
        webhooks.queue(ticket, news, about, at=at)
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


def _insert(client: Client, escalation: Escalation, *, at: datetime) -> Ticket:
    try:
        with transaction.atomic():
            return Ticket.objects.create(
                client=client,
                conversation_ref=escalation.conversation_ref,
                customer_ref=escalation.customer.ref,
                customer_name=escalation.customer.name,
                language=escalation.base_language,
                topic=escalation.topic,
                skills={need.code: need.level for need in escalation.skills},
                urgency=escalation.urgency_level,
                queued_at=at,
                due_at=at + client.answer_within,
                give_up_at=at + client.patience,
            )
    except IntegrityError as broken:
        if "one_open_ticket_per_conversation" not in str(broken):
            raise
    of_it = Ticket.objects.open().of(client).filter(conversation_ref=escalation.conversation_ref)
    if held := of_it.first():
        raise ConversationAlreadyOpen(held.pk)
    # It closed in between, so there is room now.
    return _insert(client, escalation, at=at)
