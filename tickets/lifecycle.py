"""The lifecycle of a ticket: queued, then active, then one final status.

Each transition is one conditional UPDATE, which locks the row and returns its new state. The
transaction may have locked the ticket before (`lock`), but need not.
"""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q
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
from tickets.models.tickets import build_lane
from tickets.signals import ticket_closed, ticket_queued

Status = Ticket.Status
#: Returns how many times a ticket's levels are lowered by now, the levels, and the next check.
Lowering = Callable[[Ticket], tuple[int, Mapping[str, int], datetime | None]]
#: A requeued ticket goes ahead of every ticket that has not waited this much longer.
HEAD_OF_QUEUE = timedelta(minutes=10)

BEGIN = sql.read(__package__, "begin_ticket")
REQUEUE = sql.read(__package__, "requeue_ticket")
END = sql.read(__package__, "end_ticket")


def mark_offered(ticket_id: UUID, *, until: datetime | None) -> None:
    """Send no further offers until `until`, or never if None. Call with the ticket locked."""
    Ticket.objects.filter(pk=ticket_id).update(offered=True, reoffer_at=until)


def mark_reofferable(ticket_ids: Collection[UUID]) -> None:
    """Let the next wave offer these tickets. Call with them locked."""
    Ticket.objects.filter(pk__in=ticket_ids).update(offered=False, reoffer_at=None)


@transaction.atomic
def mark_reofferable_due(*, at: datetime, limit: int) -> int:
    """Let waves offer tickets whose first agent has had its time alone; returns how many."""
    due = Ticket.objects.queued().filter(offered=True, reoffer_at__lte=at)
    held = due.order_by("reoffer_at").select_for_update(skip_locked=True)
    ids = list(held.values_list("pk", flat=True)[:limit])
    if ids:
        mark_reofferable(ids)
    return len(ids)


@transaction.atomic
def lower_levels(*, lowering: Lowering, at: datetime, limit: int) -> int:
    """Lower the required levels of the tickets that are due for it; returns how many changed.

    `lowering` computes the levels of this moment. The ticket keeps the original levels; only its
    lane changes. The next check is set on every due ticket, so the scheduler finds due tickets in
    the index `tickets_to_lower`.
    """
    due = Ticket.objects.queued().filter(lower_at__lte=at).select_related("client")
    held = due.order_by("lower_at").select_for_update(skip_locked=True, of=("self",))
    tickets = list(held[:limit])
    before = [ticket.lane for ticket in tickets]
    for ticket in tickets:
        ticket.times_lowered, needs, ticket.lower_at = lowering(ticket)
        ticket.lane = build_lane(ticket.language, needs, ticket.client.certificate)
    Ticket.objects.bulk_update(tickets, ["times_lowered", "lane", "lower_at"])
    return sum(ticket.lane != was for ticket, was in zip(tickets, before, strict=True))


def check_levels_by(moment: datetime) -> int:
    """Check the levels of all queued tickets at that moment at the latest; returns how many.

    A new policy may lower a ticket that has taken every step of the last one. One statement.
    """
    waiting = Ticket.objects.queued().exclude(skills={})
    later = waiting.filter(Q(lower_at=None) | Q(lower_at__gt=moment))
    return later.update(lower_at=moment)


def lock(ticket: Ticket) -> Ticket:
    """Lock the ticket until the transaction ends, and return it. Always the first lock taken.

    A transition does not need it, because its own UPDATE locks the row. Use it to read other rows
    before a transition, or to change nothing in the ticket.
    """
    bind_contextvars(ticket=str(ticket.pk))
    rows = Ticket.objects.select_related("client").select_for_update(of=("self",))
    return rows.get(pk=ticket.pk)


@transaction.atomic
def begin(ticket: Ticket, *, agent_name: str, at: datetime) -> Ticket:
    """Make the ticket active, because an agent accepted it. Raises TicketNotWaiting."""
    ticket = _move(ticket, BEGIN, refusal=TicketNotWaiting, agent_name=agent_name, at=at)
    outbox.queue(ticket, "ticket.answered", {"agent": {"name": agent_name}}, at=at)
    return ticket


@transaction.atomic
def requeue(ticket: Ticket, *, reason: str, at: datetime) -> Ticket:
    """Put the ticket back at the head of the queue, because its agent is gone.

    Raises TicketNotActive.
    """
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
    """Close the conversation for the agent. Raises TicketNotActive."""
    news = {"disposition": disposition, "note": note}
    return _end(ticket, {Status.ACTIVE}, Status.RESOLVED, "ticket.resolved", news, at=at, **news)


def hand_back(ticket: Ticket, *, reason: str, note: str = "", at: datetime) -> Ticket:
    """Return the conversation to the bot. Raises TicketClosed."""
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
    """End a ticket that no agent took in time; the bot takes over. Raises TicketNotWaiting."""
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
    """End the ticket because the customer left. An ended ticket stays as it is."""
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
    """Run one conditional UPDATE and return the ticket, with its client.

    Of two racing callers one wins: the other waits for the row lock, then finds another status.
    """
    bind_contextvars(ticket=str(ticket.pk))
    for moved in Ticket.objects.raw(statement, {"id": ticket.pk, **values}):
        moved.client = ticket.client
        return moved
    raise refusal if Ticket.objects.open().filter(pk=ticket.pk).exists() else TicketClosed
