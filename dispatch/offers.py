"""Offers: made by a wave, shown on a screen, answered by an agent, settled once."""

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
from dispatch import policies
from dispatch.errors import DispatchError, OfferExpired, OfferGone, OfferTaken
from dispatch.models import GRACE, OFFER_LASTS, Assignment, Offer, OfferQuerySet
from dispatch.realtime import push
from tickets import lifecycle
from tickets.errors import TicketError
from tickets.models import Ticket

Status = Offer.Status
REASONS = ("not_now", "not_my_topic", "too_little_pay", "no_time")
#: Passing for one of these leaves the agent in line for the very same ticket.
FOR_NOW = ("not_now", "no_time")
#: Why an offer that was settled so can't be accepted; otherwise it is gone.
REFUSALS = {
    Status.EXPIRED: OfferExpired,
    Status.MISSED: OfferExpired,
    Status.TAKEN: OfferTaken,
}
# A live server says some times a second what its thousand screens show: hence one statement, and
# arrays, with which it is planned once. Whoever holds an offer now is settling it; to wait for them
# could be to wait for each other.
SHOW = """
WITH held AS (
    SELECT o.id FROM dispatch_offer o
    WHERE (o.id, o.agent_id) IN (
        SELECT * FROM unnest(%(offers)s::uuid[], %(agents)s::uuid[]) said(id, agent_id))
      AND o.status = 'sent' AND o.expires_at > statement_timestamp()
    ORDER BY o.id FOR UPDATE OF o SKIP LOCKED
)
UPDATE dispatch_offer o SET status = 'shown', shown_at = statement_timestamp(),
    expires_at = statement_timestamp() + %(lasts)s::interval
FROM held WHERE o.id = held.id RETURNING o.id
"""
ROLLING = """
SELECT o.id FROM dispatch_offer o JOIN agents_presence p USING (agent_id)
WHERE o.id = ANY(%s::uuid[]) AND p.auto_accept
"""


@transaction.atomic
def accept(offer: Offer, *, auto_accepted: bool = False, at: datetime) -> Assignment:
    """The agent takes the ticket; asked twice, the same assignment.

    Raises OfferExpired, OfferTaken, OfferGone. The deadline is checked in a second statement after
    the locks are held, by the database's clock: any other way accepts late when a lock is waited
    for.
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
    _tell_the_others(held, at=at)
    presence.take_on(held.agent, at=at)
    push.changed(held.agent_id)
    return Assignment.objects.create(
        offer=held, ticket=ticket, agent=held.agent, epoch=ticket.epoch, started_at=at
    )


@transaction.atomic
def decline(offer: Offer, *, because: str = "", at: datetime) -> None:
    """The agent passes, which changes nothing for them. Raises OfferGone once they accepted it.

    `because`: one of REASONS, or nothing. Those who say "not now" may be asked again.
    """
    lifecycle.lock(offer.ticket)
    passed = Offer.objects.filter(pk=offer.pk)
    again = because in FOR_NOW
    if passed.settle(Status.DECLINED, at=at, declined_because=because, may_reoffer=again):
        presence.answered([offer.agent_id])
        _free([offer], at=at)
    elif passed.get().status == Status.ACCEPTED:
        raise OfferGone


def say_why(offer: Offer, *, because: str) -> None:
    """The agent says afterwards why they passed. Said once; where they didn't pass, nothing."""
    passed = Offer.objects.filter(pk=offer.pk, status=Status.DECLINED, declined_because="")
    passed.update(declined_because=because, may_reoffer=because in FOR_NOW)


def show(shown: Collection[tuple[UUID, UUID]], *, at: datetime) -> list[UUID]:
    """These offers are on their agents' screens, so their minute begins; returns which.

    `shown`: offers and whose page says so. What is somebody else's, settled, or shown already is
    left alone: said twice, the minute is no longer.
    """
    given: dict[str, Any] = {
        "offers": [pk for pk, _ in shown],
        "agents": [agent for _, agent in shown],
        "lasts": OFFER_LASTS + GRACE,
    }
    with connection.cursor() as cursor:
        cursor.execute(SHOW, given)
        return [pk for (pk,) in cursor.fetchall()]


def auto_accept(offer_ids: Collection[UUID], *, at: datetime) -> list[Assignment]:
    """Accept those whose agents want that, as many an hour as they allow; returns what began."""
    if not offer_ids:
        return []
    with connection.cursor() as cursor:
        cursor.execute(ROLLING, [list(offer_ids)])
        wanted = [pk for (pk,) in cursor.fetchall()]
    begun = [
        _roll(offer, at=at)
        for offer in Offer.objects.filter(pk__in=wanted).select_related("ticket", "agent__presence")
    ]
    return [assignment for assignment in begun if assignment]


def _roll(offer: Offer, *, at: datetime) -> Assignment | None:
    """None when the hour's limit is reached, or when customer or offer went at this very moment."""
    if _rolled(offer.agent, at=at) >= offer.agent.presence.auto_accept_limit:
        return None
    try:
        return accept(offer, auto_accepted=True, at=at)
    except (DispatchError, TicketError):
        return None


def _rolled(agent: Agent, *, at: datetime) -> int:
    recent = Offer.objects.filter(
        agent=agent, auto_accepted=True, settled_at__gt=at - timedelta(hours=1)
    )
    return recent.count()


def expire_overdue(*, at: datetime, limit: int = 200) -> int:
    """Settle what was not answered in time; returns how many. Tickets in use are left for later.

    What no screen showed was missed for the line's sake, and is nobody's time-out.
    """
    missed = _settle_overdue(Status.SENT, Status.MISSED, at=at, limit=limit)
    return len(missed) + _time_out(at=at, limit=limit)


@transaction.atomic
def _time_out(*, at: datetime, limit: int) -> int:
    """At once with the pause it may bring, or a wave would ask whoever is about to be paused."""
    expired = _settle_overdue(Status.SHOWN, Status.EXPIRED, at=at, limit=limit)
    push.changed(*presence.time_out([offer.agent_id for offer in expired], at=at))
    return len(expired)


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
    tickets = Ticket.objects.filter(offers__in=asked).order_by("pk").select_for_update(of=("self",))
    # An offer made meanwhile is of a ticket not held here; the clock finds it.
    _settle(asked.filter(ticket__in=list(tickets)), Status.WITHDRAWN, at=at)


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


def _tell_the_others(accepted: Offer, *, at: datetime) -> None:
    """Whoever was asked too learns at once that somebody was quicker.

    That is said before "something changed", for which a page takes the card away.
    """
    others = Offer.objects.pending().filter(ticket=accepted.ticket_id)
    if asked := list(others):
        presence.hold([accepted.agent_id, *(other.agent_id for other in asked)])
        for other in asked:
            push.taken(other)
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
    """Settle those of them still pending, and free their agents; returns them."""
    rows = list(offers.pending().order_by("pk").select_for_update(of=("self",)))
    if rows:
        Offer.objects.filter(pk__in=[row.pk for row in rows]).settle(status, at=Now())
        _free(rows, at=at)
    return rows


def _free(settled: Sequence[Offer], *, at: datetime) -> None:
    """Their tickets may be asked for again, their agents asked again."""
    agent_ids = [offer.agent_id for offer in settled]
    _ask_again([offer.ticket_id for offer in settled], at=at)
    presence.release(agent_ids, at=at, worked=False)
    push.changed(*Counter(agent_ids))


def _ask_again(ticket_ids: Collection[UUID], *, at: datetime) -> None:
    """At once, unless those still asked may have it alone for a while, or are as many as may be."""
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
