"""Offers: made by a wave, answered by an agent, settled once."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now

from agents import presence
from agents.models import Agent, Presence
from dispatch import push
from dispatch.errors import OfferExpired, OfferGone
from dispatch.models import GRACE, OFFER_LASTS, Assignment, Offer, OfferQuerySet
from tickets import lifecycle
from tickets.models import Ticket

Status = Offer.Status


def make(drafts: Sequence[Offer], *, at: datetime) -> list[Offer]:
    """Send these offers, each to another agent; returns those whose agent had a place left.

    Call with the tickets locked. Raises IntegrityError where a ticket has a pending offer.
    """
    if not drafts:
        return []
    reserved = presence.reserve([offer.agent_id for offer in drafts])
    made = [offer for offer in drafts if offer.agent_id in reserved]
    for offer in made:
        offer.sent_at = at
        offer.expires_at = at + OFFER_LASTS + GRACE
    Offer.objects.bulk_create(made)
    lifecycle.mark_asked([offer.ticket_id for offer in made])
    push.offers(made)
    return made


@transaction.atomic
def accept(offer: Offer, *, at: datetime) -> Assignment:
    """The agent takes the ticket; asked twice, the same assignment. Raises OfferExpired, OfferGone.

    The deadline is checked in a second statement after the locks are held, by the database's
    clock: any other way accepts late when a lock is waited for.
    """
    lifecycle.lock(offer.ticket)
    held = Offer.objects.select_for_update(of=("self",)).select_related("agent").get(pk=offer.pk)
    if held.status == Status.ACCEPTED:
        return held.assignment
    if held.status == Status.EXPIRED:
        raise OfferExpired
    if held.status != Status.SENT:
        raise OfferGone
    if not Offer.objects.filter(pk=held.pk, expires_at__gt=Now()).settle(Status.ACCEPTED, at=Now()):
        raise OfferExpired
    ticket = lifecycle.begin(offer.ticket, agent_name=held.agent.name, at=at)
    push.changed(held.agent_id)
    return Assignment.objects.create(
        offer=held, ticket=ticket, agent=held.agent, epoch=ticket.epoch, started_at=at
    )


@transaction.atomic
def decline(offer: Offer, *, at: datetime) -> None:
    """The agent passes, which changes nothing for them. Raises OfferGone once they accepted it."""
    lifecycle.lock(offer.ticket)
    if Offer.objects.filter(pk=offer.pk).settle(Status.DECLINED, at=at):
        _free([offer], at=at)
    elif Offer.objects.get(pk=offer.pk).status == Status.ACCEPTED:
        raise OfferGone


@transaction.atomic
def expire_overdue(*, at: datetime, limit: int = 200) -> int:
    """Settle what was not answered in time; returns how many. Tickets in use are left for later."""
    overdue = Offer.objects.pending().filter(expires_at__lte=Now())
    tickets = _lock_tickets(overdue, limit=limit)
    held = overdue.filter(ticket__in=tickets)
    return _settle(held, Status.EXPIRED, at=at)


@transaction.atomic
def withdraw(offer: Offer, *, at: datetime) -> None:
    """A coordinator takes the offer back and the ticket waits on. Raises OfferGone."""
    lifecycle.lock(offer.ticket)
    if not _settle(Offer.objects.filter(pk=offer.pk), Status.WITHDRAWN, at=at):
        raise OfferGone


@transaction.atomic
def withdraw_for(ticket: Ticket, *, at: datetime) -> None:
    """The ticket ended: nobody need answer for it. Call with the ticket locked."""
    _settle(Offer.objects.filter(ticket=ticket), Status.WITHDRAWN, at=at)


@transaction.atomic
def withdraw_from(agent: Agent, *, at: datetime) -> None:
    """The agent takes no offers now: what they were asked is asked of somebody else."""
    asked = Offer.objects.pending().filter(agent=agent)
    list(Ticket.objects.filter(offers__in=asked).order_by("pk").select_for_update())
    _settle(asked, Status.WITHDRAWN, at=at)


def sweep_gone(*, at: datetime, limit: int = 100) -> int:
    """Withdraw what was offered to agents who are not available now; returns of how many."""
    available = Presence.Status.AVAILABLE
    gone = Agent.objects.filter(offers__in=Offer.objects.pending()).exclude(
        presence__status=available
    )
    agents = list(gone.distinct()[:limit])
    for agent in agents:
        withdraw_from(agent, at=at)
    return len(agents)


def _lock_tickets(pending: OfferQuerySet, *, limit: int) -> list[UUID]:
    tickets = Ticket.objects.filter(offers__in=pending).order_by("pk")
    held = tickets.select_for_update(skip_locked=True, of=("self",)).values_list("pk", flat=True)
    return list(held[:limit])


def _settle(offers: OfferQuerySet, status: Offer.Status, *, at: datetime) -> int:
    """Settle those of them still pending, and free their agents."""
    rows = list(offers.pending().order_by("pk").select_for_update(of=("self",)))
    if rows:
        Offer.objects.filter(pk__in=[row.pk for row in rows]).settle(status, at=Now())
        _free(rows, at=at)
    return len(rows)


def _free(settled: Sequence[Offer], *, at: datetime) -> None:
    """Their tickets may be asked for again, their agents asked again."""
    agent_ids = [offer.agent_id for offer in settled]
    lifecycle.mark_unasked([offer.ticket_id for offer in settled])
    presence.release(agent_ids, at=at, worked=False)
    push.changed(*Counter(agent_ids))
