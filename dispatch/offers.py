"""Offers: how they are shown, accepted, declined, withdrawn and expired. Each is settled once."""

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Count, Max
from django.db.models.functions import Now

from agents import presence
from agents.models import Agent, Presence
from dispatch import policies, sql
from dispatch.errors import DispatchError, OfferExpired, OfferGone, OfferTaken
from dispatch.models import GRACE, OFFER_LASTS, Assignment, Offer, OfferQuerySet
from dispatch.realtime import push
from tickets import lifecycle
from tickets.errors import TicketError
from tickets.models import Ticket

Status = Offer.Status
REASONS = ("not_now", "not_my_topic", "too_little_pay", "no_time")
#: After declining for one of these reasons the agent may be offered the same ticket again.
FOR_NOW = ("not_now", "no_time")
#: The refusal of an offer with this status. For any other it is OfferGone.
REFUSALS = {
    Status.EXPIRED: OfferExpired,
    Status.MISSED: OfferExpired,
    Status.TAKEN: OfferTaken,
}
SHOW_SQL = sql.read(__package__, "show_offers")
AUTO_ACCEPT_SQL = sql.read(__package__, "offers_to_auto_accept")


@transaction.atomic
def accept(offer: Offer, *, auto_accepted: bool = False, at: datetime) -> Assignment:
    """Accept the offer and return the assignment. A second call returns the same one.

    Raises OfferExpired, OfferTaken, OfferGone. The deadline is checked by the database's clock, in
    a second statement after the locks are held. Otherwise a wait for a lock would let a late
    acceptance pass.
    """
    ticket = lifecycle.lock(offer.ticket)
    held = Offer.objects.select_for_update(of=("self",)).select_related("agent").get(pk=offer.pk)
    if held.status == Status.ACCEPTED:
        return held.assignment
    if not held.is_pending:
        raise REFUSALS.get(Status(held.status), OfferGone)
    in_time = Offer.objects.filter(pk=held.pk, expires_at__gt=Now())
    if not in_time.settle(Status.ACCEPTED, at=Now(), auto_accepted=auto_accepted):
        raise OfferExpired
    ticket = lifecycle.begin(ticket, agent_name=held.agent.name, at=at)
    _settle_others(held, at=at)
    presence.count_accepted(held.agent, at=at)
    push.request_reload(held.agent_id)
    return Assignment.objects.create(
        offer=held, ticket=ticket, agent=held.agent, epoch=ticket.epoch, started_at=at
    )


@transaction.atomic
def decline(offer: Offer, *, because: str = "", at: datetime) -> None:
    """Decline the offer, at no disadvantage to the agent. Raises OfferGone if it was accepted.

    `because` is one of REASONS, or empty. After a reason in FOR_NOW the agent may be offered the
    ticket again.
    """
    lifecycle.lock(offer.ticket)
    passed = Offer.objects.filter(pk=offer.pk)
    again = because in FOR_NOW
    if passed.settle(Status.DECLINED, at=at, declined_because=because, may_reoffer=again):
        presence.reset_timeouts([offer.agent_id])
        _release([offer], at=at)
    elif passed.get().status == Status.ACCEPTED:
        raise OfferGone


def record_reason(offer: Offer, *, because: str) -> None:
    """Store the reason for an offer that the agent declined. Only the first reason counts."""
    passed = Offer.objects.filter(pk=offer.pk, status=Status.DECLINED, declined_because="")
    passed.update(declined_because=because, may_reoffer=because in FOR_NOW)


def show(shown: Collection[tuple[UUID, UUID]], *, at: datetime) -> list[UUID]:
    """Mark offers as shown, so that their minute to answer begins; returns which.

    `shown` has pairs of offer and agent. Offers of another agent, settled offers and offers already
    shown stay as they are, so a repeat does not extend the minute.
    """
    given: dict[str, Any] = {
        "offers": [pk for pk, _ in shown],
        "agents": [agent for _, agent in shown],
        "lasts": OFFER_LASTS + GRACE,
    }
    with connection.cursor() as cursor:
        cursor.execute(SHOW_SQL, given)
        return [pk for (pk,) in cursor.fetchall()]


def auto_accept(offer_ids: Collection[UUID], *, at: datetime) -> list[Assignment]:
    """Accept the offers of agents who wish that, up to their limit an hour; returns assignments."""
    if not offer_ids:
        return []
    with connection.cursor() as cursor:
        cursor.execute(AUTO_ACCEPT_SQL, {"offers": list(offer_ids)})
        wanted = [pk for (pk,) in cursor.fetchall()]
    begun = [
        _auto_accept_offer(offer, at=at)
        for offer in Offer.objects.filter(pk__in=wanted).select_related("ticket", "agent__presence")
    ]
    return [assignment for assignment in begun if assignment]


def _auto_accept_offer(offer: Offer, *, at: datetime) -> Assignment | None:
    """Accept one offer; None if the hourly limit is reached or the offer was settled meanwhile."""
    if _count_auto_accepted(offer.agent, at=at) >= offer.agent.presence.auto_accept_limit:
        return None
    try:
        return accept(offer, auto_accepted=True, at=at)
    except (DispatchError, TicketError):
        return None


def _count_auto_accepted(agent: Agent, *, at: datetime) -> int:
    recent = Offer.objects.filter(
        agent=agent, auto_accepted=True, settled_at__gt=at - timedelta(hours=1)
    )
    return recent.count()


def expire_overdue(*, at: datetime, limit: int = 200) -> int:
    """Settle the offers that were not answered in time; returns how many.

    Offers of locked tickets are left for the next call. An offer that no screen showed is missed,
    which does not count as a time-out of the agent.
    """
    missed = _settle_overdue(Status.SENT, Status.MISSED, at=at, limit=limit)
    return len(missed) + _time_out(at=at, limit=limit)


@transaction.atomic
def _time_out(*, at: datetime, limit: int) -> int:
    """Expire offers and pause agents in one transaction.

    Otherwise a wave could send an offer to an agent who is about to be paused.
    """
    expired = _settle_overdue(Status.SHOWN, Status.EXPIRED, at=at, limit=limit)
    push.request_reload(*presence.record_timeouts([offer.agent_id for offer in expired], at=at))
    return len(expired)


@transaction.atomic
def withdraw(offer: Offer, *, at: datetime) -> None:
    """Withdraw the offer for a coordinator; the ticket stays queued. Raises OfferGone."""
    lifecycle.lock(offer.ticket)
    if not _settle(Offer.objects.filter(pk=offer.pk), Status.WITHDRAWN, at=at):
        raise OfferGone


@transaction.atomic
def withdraw_for(ticket: Ticket, *, at: datetime) -> None:
    """Withdraw the offers of a ticket that ended. Call with the ticket locked."""
    _settle(Offer.objects.filter(ticket=ticket), Status.WITHDRAWN, at=at)


@transaction.atomic
def withdraw_from(agent: Agent, *, at: datetime) -> None:
    """Withdraw the offers of an agent who is not available; their tickets go to other agents."""
    asked = Offer.objects.pending().filter(agent=agent)
    tickets = Ticket.objects.filter(offers__in=asked).order_by("pk").select_for_update(of=("self",))
    # An offer made meanwhile belongs to a ticket not locked here. The scheduler withdraws it.
    _settle(asked.filter(ticket__in=list(tickets)), Status.WITHDRAWN, at=at)


def sweep_gone(*, at: datetime, limit: int = 100) -> int:
    """Withdraw the offers of agents who are not available; returns the number of agents."""
    available = Presence.Status.AVAILABLE
    gone = Agent.objects.filter(offers__in=Offer.objects.pending()).exclude(
        presence__status=available
    )
    agents = list(gone.distinct()[:limit])
    for agent in agents:
        withdraw_from(agent, at=at)
    return len(agents)


def _settle_others(accepted: Offer, *, at: datetime) -> None:
    """Settle the other offers of the ticket as taken, and tell their agents at once.

    The "taken" message goes before "changed", because on "changed" a page removes the card.
    """
    others = Offer.objects.pending().filter(ticket=accepted.ticket_id)
    if asked := list(others):
        presence.lock_presences([accepted.agent_id, *(other.agent_id for other in asked)])
        for other in asked:
            push.send_taken(other)
        _settle(others, Status.TAKEN, at=at)


@transaction.atomic
def _settle_overdue(
    was: Offer.Status, status: Offer.Status, *, at: datetime, limit: int
) -> list[Offer]:
    overdue = Offer.objects.pending().filter(status=was, expires_at__lte=Now())
    tickets = _lock_tickets(overdue, limit=limit)
    return _settle(overdue.filter(ticket__in=tickets), status, at=at) if tickets else []


def _lock_tickets(pending: OfferQuerySet, *, limit: int) -> list[UUID]:
    tickets = Ticket.objects.filter(offers__in=pending).order_by("pk")
    held = tickets.select_for_update(skip_locked=True, of=("self",)).values_list("pk", flat=True)
    return list(held[:limit])


def _settle(offers: OfferQuerySet, status: Offer.Status, *, at: datetime) -> list[Offer]:
    """Settle the pending offers among these and free their agents; returns the settled ones."""
    rows = list(offers.pending().order_by("pk").select_for_update(of=("self",)))
    if rows:
        Offer.objects.filter(pk__in=[row.pk for row in rows]).settle(status, at=Now())
        _release(rows, at=at)
    return rows


def _release(settled: Sequence[Offer], *, at: datetime) -> None:
    """Make the tickets and agents of settled offers available to the next wave."""
    agent_ids = [offer.agent_id for offer in settled]
    _mark_reofferable([offer.ticket_id for offer in settled], at=at)
    presence.release_capacity(agent_ids, at=at, worked=False)
    push.request_reload(*Counter(agent_ids))


def _mark_reofferable(ticket_ids: Collection[UUID], *, at: datetime) -> None:
    """Let waves offer these tickets again.

    Not yet, if an agent with a pending offer still has the ticket alone. Not at all, if the ticket
    has the most pending offers allowed.
    """
    policy = policies.read_in_force(at=at)
    alone = timedelta(seconds=policy.exclusive_for)
    pending = Offer.objects.pending().filter(ticket__in=ticket_ids).values_list("ticket").order_by()
    still = set()
    for ticket_id, asked, newest in pending.annotate(Count("pk"), Max("sent_at")):
        full = asked >= policy.max_parallel_offers
        if full or newest + alone > at:
            lifecycle.mark_offered(ticket_id, until=None if full else newest + alone)
            still.add(ticket_id)
    lifecycle.mark_reofferable(set(ticket_ids) - still)
