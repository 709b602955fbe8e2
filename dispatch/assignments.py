"""Assignments: an agent's hold on a ticket, from acceptance to the end of paid wrap-up.

An agent may act only while holding the ticket: the assignment is open and its epoch is that of the
ticket. Late messages of an agent who lost the ticket are refused, even if the page still shows it.
"""

from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from agents import presence
from agents.models import Agent, Presence
from agents.pay import ledger
from dispatch import affinity
from dispatch.errors import AssignmentOver
from dispatch.models import Assignment
from dispatch.realtime import push
from tickets import conversation, lifecycle
from tickets.models import Message, Ticket

if TYPE_CHECKING:
    from agents.models import User

Ending = Assignment.Ending
SOURCE = "assignment"
ABUSE = "abusive"
ENDINGS = {
    Ticket.Status.RESOLVED: Ending.RESOLVED,
    Ticket.Status.HANDED_BACK: Ending.HANDED_BACK,
    Ticket.Status.ABANDONED: Ending.ABANDONED,
}


@transaction.atomic
def say(
    assignment: Assignment, *, text: str, client_message_id: str, sent_by: "User", at: datetime
) -> Message:
    """Send the agent's message to the customer; a repeat adds none. Raises AssignmentOver."""
    said_as = f"{assignment.epoch}:{client_message_id}"
    ticket = lifecycle.lock(assignment.ticket)
    if not conversation.find_message(ticket, Message.Origin.AGENT, said_as):
        _check(assignment, ticket)
    message, _new = conversation.append(
        ticket,
        origin=Message.Origin.AGENT,
        text=text,
        client_message_id=said_as,
        sent_by=sent_by,
        at=at,
    )
    return message


@transaction.atomic
def resolve(assignment: Assignment, *, disposition: str, note: str = "", at: datetime) -> None:
    """Close the conversation; wrap-up begins. Raises AssignmentOver."""
    lifecycle.resolve(hold(assignment), disposition=disposition, note=note, at=at)


@transaction.atomic
def hand_back(assignment: Assignment, *, reason: str, note: str = "", at: datetime) -> None:
    """Return the conversation to the bot. Raises AssignmentOver.

    After abuse the agent is never paired with this customer again.
    """
    ticket = hold(assignment)
    lifecycle.hand_back(ticket, reason=reason, note=note, at=at)
    if reason == ABUSE:
        affinity.block(assignment.agent, ticket, at=at)


def hold(assignment: Assignment) -> Ticket:
    """Lock and return the ticket, if this assignment still holds it. Raises AssignmentOver."""
    ticket = lifecycle.lock(assignment.ticket)
    _check(assignment, ticket)
    return ticket


def _check(assignment: Assignment, ticket: Ticket) -> None:
    """Raise AssignmentOver unless this assignment holds the ticket. Call with the ticket locked."""
    held = Assignment.objects.get(pk=assignment.pk)
    if held.ended_at or held.epoch != ticket.epoch:
        raise AssignmentOver


@transaction.atomic
def end_for(ticket: Ticket, *, at: datetime) -> None:
    """End the conversation; paid wrap-up begins. Call with the ticket locked."""
    for assignment in Assignment.objects.talking().filter(ticket=ticket):
        Assignment.objects.filter(pk=assignment.pk).update(
            ended_at=at,
            ending=ENDINGS[Ticket.Status(ticket.status)],
            wrap_up_by=at + ticket.client.wrap_up,
        )
        affinity.record_contact(assignment.agent_id, ticket, at=at)
        push.changed(assignment.agent_id)


@transaction.atomic
def finish(assignment: Assignment, *, note: str = "", at: datetime) -> Assignment:
    """End the wrap-up: the agent is paid and free. A second call changes nothing.

    Raises AssignmentOver while the conversation still goes on.
    """
    lifecycle.lock(assignment.ticket)
    return _finish(_lock(assignment), note=note, at=at)


def _finish(held: Assignment, *, note: str = "", at: datetime) -> Assignment:
    """Finish an assignment that is already locked, together with its ticket."""
    if held.ended_at is None or held.wrap_up_by is None:
        raise AssignmentOver("The conversation is still going on.")
    if held.finished_at:
        return held
    finished_at = min(at, held.wrap_up_by)
    amount = held.offer.quote.final_pay(engaged=finished_at - held.started_at)
    return _close(held, amount=amount, finished_at=finished_at, note=note, at=at)


def finish_overdue(*, at: datetime, limit: int = 100) -> int:
    """End the overdue wrap-ups; returns how many."""
    overdue = Assignment.objects.wrapping_up().filter(wrap_up_by__lte=Now())
    due = list(overdue.order_by("wrap_up_by").select_related("ticket")[:limit])
    for assignment in due:
        finish(assignment, at=at)
    return len(due)


def release_all(agent: Agent, *, at: datetime) -> int:
    """Requeue the conversations and end the wrap-ups of an agent who is gone; returns how many."""
    unfinished = Assignment.objects.unfinished().filter(agent=agent).select_related("ticket")
    for assignment in unfinished:
        lose(assignment, at=at)
    return len(unfinished)


def sweep_gone(*, at: datetime, limit: int = 100) -> int:
    """Release the assignments of all offline agents; returns how many."""
    holding = Q(assignments__finished_at=None, assignments__isnull=False)
    gone = Agent.objects.filter(holding, presence__status=Presence.Status.OFFLINE).distinct()
    return sum(release_all(agent, at=at) for agent in gone[:limit])


@transaction.atomic
def lose(assignment: Assignment, *, at: datetime) -> None:
    """Take the assignment from an agent who is gone.

    A conversation is paid by the minute and its ticket requeued. A wrap-up is finished.
    """
    ticket = lifecycle.lock(assignment.ticket)
    held = _lock(assignment)
    if held.finished_at:
        return
    if held.ended_at:
        _finish(held, at=at)
        return
    Assignment.objects.filter(pk=held.pk).update(ended_at=at, ending=Ending.LOST, wrap_up_by=at)
    amount = held.offer.quote.time_pay(engaged=at - held.started_at)
    _close(held, amount=amount, finished_at=at, note="", at=at)
    lifecycle.requeue(ticket, reason="agent_lost", at=at)


def _lock(assignment: Assignment) -> Assignment:
    rows = Assignment.objects.select_for_update(of=("self",))
    return rows.select_related("offer", "agent").get(pk=assignment.pk)


def _close(
    held: Assignment, *, amount: int, finished_at: datetime, note: str, at: datetime
) -> Assignment:
    """Pay the agent and free their capacity. The ledger refuses a second payment."""
    quote = held.offer.quote
    held.finished_at, held.note, held.paid = finished_at, note or held.note, amount
    held.save(update_fields=["finished_at", "note", "paid"])
    engaged = int((finished_at - held.started_at).total_seconds())
    presence.release_capacity([held.agent_id], at=at, worked=True)
    ledger.credit(
        held.agent,
        amount=amount,
        currency=quote.currency,
        source_type=SOURCE,
        source_id=held.pk,
        memo={"quote": quote.as_json(), "engaged_s": engaged},
        at=finished_at,
    )
    push.changed(held.agent_id)
    return held
