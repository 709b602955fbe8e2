"""The life of a ticket: queued, then active, then one end.

A verb is one conditional UPDATE, which locks the row and returns it as it is now. A ticket may be
locked before by the same transaction (`lock`), or not.
"""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from structlog.contextvars import bind_contextvars

from tickets import sql
from tickets.errors import (
    TicketClosed,
    TicketError,
    TicketNotActive,
    TicketNotWaiting,
)
from tickets.events import outbox
from tickets.models import Ticket
from tickets.models.tickets import lane
from tickets.signals import ticket_closed, ticket_queued

Status = Ticket.Status
#: How often a ticket's levels are lowered by now, what it asks for then, and when to look again.
Lowering = Callable[[Ticket], tuple[int, Mapping[str, int], datetime | None]]
#: A ticket that lost its agent goes before all that have not waited this much longer.
HEAD_OF_QUEUE = timedelta(minutes=10)

BEGIN = sql.read(__package__, "begin_ticket")
REQUEUE = sql.read(__package__, "requeue_ticket")
END = sql.read(__package__, "end_ticket")


def mark_offered(ticket_id: UUID, *, until: datetime | None) -> None:
    """Offers are out, and nobody else is asked until then, if ever. Call with it locked."""
    Ticket.objects.filter(pk=ticket_id).update(offered=True, reoffer_at=until)


def mark_reofferable(ticket_ids: Collection[UUID]) -> None:
    """Somebody may be asked for these tickets. Call with them locked."""
    Ticket.objects.filter(pk__in=ticket_ids).update(offered=False, reoffer_at=None)


@transaction.atomic
def mark_reofferable_due(*, at: datetime, limit: int) -> int:
    """Further agents may be asked where the first had long enough; returns how many tickets."""
    due = Ticket.objects.queued().filter(offered=True, reoffer_at__lte=at)
    held = due.order_by("reoffer_at").select_for_update(skip_locked=True)
    ids = list(held.values_list("pk", flat=True)[:limit])
    if ids:
        mark_reofferable(ids)
    return len(ids)


@transaction.atomic
def lower_levels(*, lowering: Lowering, at: datetime, limit: int) -> int:
    """Lower what is asked for of tickets whose time for it has come; returns how many changed.

    `lowering`: how a ticket stands at this moment. What the customer asked for stays on the
    ticket; only the lane it waits in changes. Every ticket that is due has its time set anew, so
    the clock finds the next ones in the index `tickets_to_lower` without looking at the others.
    """
    due = Ticket.objects.queued().filter(lower_at__lte=at).select_related("client")
    held = due.order_by("lower_at").select_for_update(skip_locked=True, of=("self",))
    tickets = list(held[:limit])
    before = [ticket.lane for ticket in tickets]
    for ticket in tickets:
        ticket.times_lowered, needs, ticket.lower_at = lowering(ticket)
        ticket.lane = lane(ticket.language, needs, ticket.client.certificate)
    Ticket.objects.bulk_update(tickets, ["times_lowered", "lane", "lower_at"])
    return sum(ticket.lane != was for ticket, was in zip(tickets, before, strict=True))


def lock(ticket: Ticket) -> Ticket:
    """This ticket as it is now, held until the transaction ends. Always the first lock taken.

    Only for callers that must look at something else before the ticket moves, or that move nothing:
    a verb's own UPDATE locks the row, or finds it locked.
    """
    bind_contextvars(ticket=str(ticket.pk))
    rows = Ticket.objects.select_related("client").select_for_update(of=("self",))
    return rows.get(pk=ticket.pk)


@transaction.atomic
def begin(ticket: Ticket, *, agent_name: str, at: datetime) -> Ticket:
    """An agent takes the ticket. Raises TicketNotWaiting."""
    ticket = _move(ticket, BEGIN, refusal=TicketNotWaiting, agent_name=agent_name, at=at)
    outbox.queue(ticket, "ticket.answered", {"agent": {"name": agent_name}}, at=at)
    return ticket


@transaction.atomic
def requeue(ticket: Ticket, *, reason: str, at: datetime) -> Ticket:
    """The agent was lost: the ticket waits again, at the head. Raises TicketNotActive."""
    give_up_at = at + ticket.client.patience
    ticket = _move(
        ticket,
        REQUEUE,
        refusal=TicketNotActive,
        head_start=HEAD_OF_QUEUE,
        give_up_at=give_up_at,
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


def abandon(ticket: Ticket, *, reason: str, at: datetime) -> Ticket:
    """The customer left. Asked of a ticket that ended already, it changes nothing."""
    try:
        return _end(ticket, set(Ticket.OPEN), Status.ABANDONED, None, {}, at=at, disposition=reason)
    except TicketClosed:
        return Ticket.objects.select_related("client").get(pk=ticket.pk)


@transaction.atomic
def _end(
    ticket: Ticket,
    expected: set[Status],
    status: Status,
    news: str | None,
    about: dict[str, Any],
    *,
    at: datetime,
    disposition: str,
    note: str = "",
) -> Ticket:
    ticket = _move(
        ticket,
        END,
        refusal=TicketNotActive if expected == {Status.ACTIVE} else TicketNotWaiting,
        status=status.value,
        expected=[status.value for status in expected],
        disposition=disposition,
        note=note,
        at=at,
    )
    if news:
        outbox.queue(ticket, news, about, at=at)
    ticket_closed.send(Ticket, ticket=ticket, at=at)
    return ticket


def _move(ticket: Ticket, statement: str, *, refusal: type[TicketError], **values: Any) -> Ticket:
    """The ticket as one conditional UPDATE leaves it, with its client.

    Of two racing callers the database lets one win: the other waits for the row, then finds
    another status in it.
    """
    bind_contextvars(ticket=str(ticket.pk))
    for moved in Ticket.objects.raw(statement, {"id": ticket.pk, **values}):
        moved.client = ticket.client
        return moved
    raise refusal if Ticket.objects.open().filter(pk=ticket.pk).exists() else TicketClosed
