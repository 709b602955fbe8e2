"""Offers: made once, answered in time, settled once."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, transaction

from agents import presence
from dispatch import assignments, offers
from dispatch.errors import OfferExpired, OfferGone
from dispatch.models import OFFER_LASTS, Assignment, Offer
from dispatch.waves import outcome
from tests import factories
from tests.refusals import refused_by
from tickets import clock, lifecycle
from tickets.models import Ticket

pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)


def expire_on_screen(offer: Offer) -> Offer:
    """Show an offer and move it past its expiry by the database's clock."""
    offers.show([(offer.pk, offer.agent_id)], at=clock.now())
    Offer.objects.filter(pk=offer.pk).update(
        sent_at=clock.now() - 2 * OFFER_LASTS, expires_at=clock.now()
    )
    return offer


def read_status(offer: Offer) -> str:
    return Offer.objects.get(pk=offer.pk).status


def test_an_offer_takes_a_place_of_its_agent() -> None:
    offer = factories.make_offer()

    assert factories.read_presence(offer.agent).load == 1


def test_an_agent_without_a_free_place_gets_no_offer() -> None:
    first = factories.make_offer(agent=factories.make_agent())
    draft = Offer(ticket=factories.make_ticket(), agent=first.agent, pay=first.pay)

    assert outcome.save([draft], at=clock.now()) == []

    assert Offer.objects.count() == 1
    assert not Ticket.objects.filter(pk=draft.ticket_id, offered=True).exists()


def test_accepting_starts_the_conversation() -> None:
    at = clock.now()
    offer = factories.make_offer(agent=factories.make_agent("Amina"))

    taken = offers.accept(offer, at=at)

    ticket = Ticket.objects.get()
    assert (taken.ticket, taken.agent, taken.offer, taken.started_at) == (
        ticket,
        offer.agent,
        offer,
        at,
    )
    assert (ticket.status, ticket.answered_by, ticket.epoch, taken.epoch) == (
        "active",
        "Amina",
        1,
        1,
    )
    assert read_status(offer) == "accepted"
    assert factories.read_presence(offer.agent).load == 1


def test_accepting_twice_gives_one_assignment() -> None:
    offer = factories.make_offer()

    assert offers.accept(offer, at=clock.now()) == offers.accept(offer, at=clock.now())
    assert Assignment.objects.count() == 1


def test_accepting_after_the_time_ran_out_is_refused_even_before_the_sweep() -> None:
    offer = expire_on_screen(factories.make_offer())

    with pytest.raises(OfferExpired):
        offers.accept(offer, at=clock.now())

    assert (read_status(offer), Ticket.objects.get().status) == ("shown", "queued")


def test_an_early_at_does_not_make_a_late_acceptance_valid() -> None:
    offer = expire_on_screen(factories.make_offer())

    with pytest.raises(OfferExpired):
        offers.accept(offer, at=offer.sent_at)


def test_accepting_an_expired_offer_is_refused() -> None:
    offer = expire_on_screen(factories.make_offer())
    offers.expire_overdue(at=clock.now())

    with pytest.raises(OfferExpired):
        offers.accept(offer, at=clock.now())


@pytest.mark.parametrize("how", ["declined", "withdrawn"])
def test_accepting_a_declined_or_withdrawn_offer_is_refused(how: str) -> None:
    offer = factories.make_offer()
    if how == "declined":
        offers.decline(offer, at=clock.now())
    else:
        lifecycle.abandon(offer.ticket, reason="left", at=clock.now())

    with pytest.raises(OfferGone):
        offers.accept(offer, at=clock.now())

    assert not Assignment.objects.exists()


def test_declining_frees_the_agent_and_leaves_the_ticket_waiting() -> None:
    offer = factories.make_offer()
    idle_since = factories.read_presence(offer.agent).idle_since

    offers.decline(offer, at=clock.now())

    held = factories.read_presence(offer.agent)
    assert (read_status(offer), Ticket.objects.get().status) == ("declined", "queued")
    assert (held.load, held.idle_since, held.status) == (0, idle_since, "available")


def test_declining_twice_frees_one_place() -> None:
    agent = factories.make_agent(capacity=2)
    offer, _other = factories.make_offer(agent=agent), factories.make_offer(agent=agent)

    offers.decline(offer, at=clock.now())
    offers.decline(offer, at=clock.now())

    assert factories.read_presence(agent).load == 1


def test_declining_an_expired_offer_changes_nothing() -> None:
    offer = expire_on_screen(factories.make_offer())
    offers.expire_overdue(at=clock.now())

    offers.decline(offer, at=clock.now())

    assert read_status(offer) == "expired"


def test_declining_an_accepted_offer_is_refused() -> None:
    taken = factories.make_assignment()

    with pytest.raises(OfferGone):
        offers.decline(taken.offer, at=clock.now())


def test_an_overdue_offer_expires_and_frees_its_agent() -> None:
    overdue, pending = expire_on_screen(factories.make_offer()), factories.make_offer()

    assert offers.expire_overdue(at=clock.now()) == 1

    assert (read_status(overdue), read_status(pending)) == ("expired", "sent")
    assert factories.read_presence(overdue.agent).load == 0
    assert factories.read_presence(pending.agent).load == 1
    assert overdue.ticket.status == "queued"


def test_an_offer_expires_only_once() -> None:
    expire_on_screen(factories.make_offer())
    offers.expire_overdue(at=clock.now())

    assert offers.expire_overdue(at=clock.now()) == 0


def test_an_expired_offer_leaves_its_agent_available_and_as_idle_as_before() -> None:
    offer = expire_on_screen(factories.make_offer())
    before = factories.read_presence(offer.agent).idle_since

    offers.expire_overdue(at=clock.now())

    held = factories.read_presence(offer.agent)
    assert (held.status, held.idle_since) == ("available", before)


def test_when_a_ticket_ends_its_offer_is_withdrawn() -> None:
    offer = factories.make_offer()

    lifecycle.abandon(offer.ticket, reason="left", at=clock.now())

    assert read_status(offer) == "withdrawn"
    assert factories.read_presence(offer.agent).load == 0


def test_withdrawing_from_an_agent_withdraws_all_their_offers() -> None:
    agent = factories.make_agent(capacity=3)
    asked = [factories.make_offer(agent=agent) for _ in range(3)]

    offers.withdraw_from(agent, at=clock.now())

    assert [read_status(offer) for offer in asked] == ["withdrawn"] * 3
    assert factories.read_presence(agent).load == 0


@pytest.mark.parametrize("leave", [presence.go_away, presence.go_offline])
def test_offers_to_an_unavailable_agent_are_withdrawn(leave: Any) -> None:
    gone, here = factories.make_offer(), factories.make_offer()
    leave(gone.agent, at=clock.now())

    assert offers.sweep_gone(at=clock.now()) == 1

    assert (read_status(gone), read_status(here)) == ("withdrawn", "sent")


def test_a_break_keeps_the_agents_conversation() -> None:
    taken = factories.make_assignment()
    presence.go_away(taken.agent, at=clock.now())

    offers.sweep_gone(at=clock.now())

    assert assignments.hold(taken) == taken.ticket


def test_the_database_refuses_to_change_promised_pay() -> None:
    offer = factories.make_offer()

    with refused_by("pay_never_changes"):
        Offer.objects.filter(pk=offer.pk).update(pay={**offer.pay, "amount": 1})


def test_the_database_allows_other_columns_of_an_offer_to_change() -> None:
    offer = factories.make_offer()

    assert Offer.objects.filter(pk=offer.pk).update(pay=offer.pay, reasons={"a": 1}) == 1


def test_the_database_refuses_an_acceptance_after_expiry() -> None:
    offer = factories.make_offer()

    with refused_by("accepted_before_it_expired"):
        Offer.objects.filter(pk=offer.pk).update(status="accepted", settled_at=offer.expires_at)


@pytest.mark.parametrize("change", [{"status": "declined"}, {"settled_at": "2026-01-01T00:00Z"}])
def test_the_database_refuses_settled_without_settled_at_and_the_reverse(change: Any) -> None:
    offer = factories.make_offer()

    with refused_by("settled_means_settled_at"):
        Offer.objects.filter(pk=offer.pk).update(**change)


def test_a_batch_with_one_refused_offer_is_not_saved() -> None:
    agent, other = factories.make_agent(), factories.make_agent()
    first = factories.make_offer(agent=agent)
    drafts = [
        Offer(ticket=ticket, agent=who, pay=first.pay)
        for ticket, who in ((factories.make_ticket(), other), (first.ticket, other))
    ]

    with pytest.raises(DatabaseError), transaction.atomic():
        outcome.save(drafts, at=clock.now())

    assert Offer.objects.count() == 1
    assert factories.read_presence(other).load == 0
