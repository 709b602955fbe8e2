"""Checks that rows agree after concurrent calls."""

from agents.models import Presence
from dispatch import offers
from dispatch.models import Assignment, Offer
from dispatch.rules.limits import MOST_AT_ONCE
from tickets import clock
from tickets.models import Ticket


def accept(offer: Offer) -> Assignment:
    return offers.accept(Offer.objects.get(pk=offer.pk), at=clock.now())


def show(offer: Offer) -> Offer:
    offers.show([(offer.pk, offer.agent_id)], at=clock.now())
    return offer


def check_rows_agree() -> None:
    """Check that loads match the rows, no agent is overbooked, and offers match their ticket."""
    for held in Presence.objects.all():
        pending = Offer.objects.pending().filter(agent=held.agent_id).count()
        working = Assignment.objects.unfinished().filter(agent=held.agent_id).count()
        assert held.load == pending + working <= held.capacity
    for ticket in Ticket.objects.all():
        talking = Assignment.objects.talking().filter(ticket=ticket).count()
        assert talking == (1 if ticket.status == "active" else 0)
        pending = Offer.objects.pending().filter(ticket=ticket).count()
        assert pending <= (MOST_AT_ONCE if ticket.status == "queued" else 0)
        if ticket.status == "queued":
            assert ticket.offered or not ticket.reoffer_at
            assert pending or not ticket.offered
