"""Races on offers and assignments: each call has its own thread and connection."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError
from django.db.models import F

from agents import presence
from agents.models import JournalEntry
from dispatch import assignments, offers
from dispatch.models import OFFER_LASTS, Assignment, Offer
from dispatch.waves import outcome, wave
from tests import factories
from tests.dispatch.agreement import accept, check_rows_agree
from tests.together import run_together, while_locked
from tickets import clock, lifecycle
from tickets.models import Ticket

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_worker")]


def abandon(ticket: Ticket) -> str:
    return lifecycle.abandon(ticket, reason="left", at=clock.now()).status


def test_two_tabs_accepting_at_once_get_the_same_assignment() -> None:
    offer = factories.make_offer()

    one, other = run_together(lambda: accept(offer), lambda: accept(offer))

    assert one == other == Assignment.objects.get()
    check_rows_agree()


def test_an_acceptance_that_waited_past_the_expiry_is_refused() -> None:
    offer = factories.make_offer()

    with while_locked(offer.ticket, lambda: accept(offer)) as late:
        Offer.objects.filter(pk=offer.pk).update(
            sent_at=F("sent_at") - OFFER_LASTS * 2, expires_at=clock.now()
        )

    assert late.result() == "offer_expired"
    assert not Assignment.objects.exists()


def test_an_acceptance_that_waited_but_is_in_time_succeeds() -> None:
    offer = factories.make_offer()

    with while_locked(offer.ticket, lambda: accept(offer)) as in_time:
        pass

    assert in_time.result() == Assignment.objects.get()


def test_an_expiry_during_a_wait_for_the_ticket_lock_is_noticed() -> None:
    """The offer expires during the wait; the blocking transaction does not change its row."""
    offer = factories.make_offer()
    Offer.objects.filter(pk=offer.pk).update(expires_at=clock.now() + timedelta(seconds=0.5))

    with while_locked(offer.ticket, lambda: accept(offer)) as late:
        while clock.now() < Offer.objects.get().expires_at:
            pass

    assert late.result() == "offer_expired"


def test_an_offer_accepted_while_it_expires_is_accepted_or_expired() -> None:
    offer = factories.make_offer()
    Offer.objects.filter(pk=offer.pk).update(expires_at=clock.now() + timedelta(milliseconds=30))

    run_together(*[lambda: accept(offer)] * 2, *[lambda: offers.expire_overdue(at=clock.now())] * 2)

    offer.refresh_from_db()
    assert (offer.status == "accepted") == Assignment.objects.exists()
    check_rows_agree()


@pytest.mark.parametrize("attempt", range(3))
def test_accepting_while_the_customer_leaves_ends_consistently(attempt: int) -> None:
    offer = factories.make_offer()

    accepted, left = run_together(lambda: accept(offer), lambda: abandon(offer.ticket))

    assert left == "abandoned"
    assert accepted == "offer_gone" or Assignment.objects.get().ending == "abandoned"
    check_rows_agree()


@pytest.mark.parametrize("attempt", range(3))
def test_accepting_while_the_ticket_is_given_up_lets_one_win(attempt: int) -> None:
    offer = factories.make_offer()

    accepted, given_up = run_together(
        lambda: accept(offer), lambda: lifecycle.give_up(offer.ticket, at=clock.now())
    )

    status = Ticket.objects.get().status
    assert (accepted == "offer_gone", given_up == "ticket_not_waiting") in {
        (True, False),
        (False, True),
    }
    assert status == ("unavailable" if accepted == "offer_gone" else "active")
    check_rows_agree()


def test_eight_waves_at_once_overbook_no_agent() -> None:
    factories.make_card()
    tickets = [factories.make_ticket() for _ in range(16)]
    agents = [factories.make_agent(capacity=3) for _ in range(4)]

    run_together(*[lambda: wave.run(at=clock.now())] * 8)
    for _ in range(3):
        wave.run(at=clock.now())

    asked = Counter(Offer.objects.values_list("ticket", flat=True))
    assert sum(asked.values()) == len(agents) * 3
    assert set(asked.values()) == {1}
    assert len(asked) < len(tickets)
    check_rows_agree()


def test_eight_waves_at_once_offer_one_ticket_once() -> None:
    factories.make_card()
    factories.make_ticket()
    for _ in range(8):
        factories.make_agent()

    made = run_together(*[lambda: wave.run(at=clock.now())] * 8)

    assert sum(made) == Offer.objects.count() == 1
    check_rows_agree()


def test_of_twenty_offers_of_one_ticket_at_once_one_is_saved() -> None:
    factories.make_card()
    ticket = factories.make_ticket()
    agents = [factories.make_agent() for _ in range(20)]

    def offer(agent: Any) -> str:
        try:
            factories.make_offer(ticket, agent)
        except IntegrityError as refused:
            return refused.__cause__.diag.constraint_name  # type: ignore[union-attr]
        return "made"

    results = run_together(*[lambda agent=agent: offer(agent) for agent in agents])

    assert Counter(results) == {"made": 1, "one_pending_offer_per_slot": 19}
    assert Offer.objects.count() == 1


def test_eight_offers_at_once_take_no_more_than_two_places() -> None:
    agent = factories.make_agent(capacity=2)
    tickets = [factories.make_ticket() for _ in range(8)]
    pay = factories.make_offer().pay

    def reserve(ticket: Ticket) -> int:
        return len(outcome.save([Offer(ticket=ticket, agent=agent, pay=pay)], at=clock.now()))

    made = run_together(*[lambda ticket=ticket: reserve(ticket) for ticket in tickets])

    # A concurrent offer is refused rather than made to wait, so one or two are saved.
    assert sum(made) == factories.read_presence(agent).load
    assert sum(made) in (1, 2)
    check_rows_agree()


@pytest.mark.parametrize("attempt", range(3))
def test_resolving_while_the_customer_leaves_gives_one_ending(attempt: int) -> None:
    held = factories.make_assignment()

    resolved, _left = run_together(
        lambda: assignments.resolve(held, disposition="solved", at=clock.now()),
        lambda: abandon(held.ticket),
    )

    end = Ticket.objects.get().status
    assert end == ("abandoned" if resolved == "assignment_over" else "resolved")
    assert Assignment.objects.get().ending == end
    check_rows_agree()


def test_finishing_from_two_tabs_at_once_pays_once() -> None:
    held = factories.make_assignment()
    assignments.resolve(held, disposition="solved", at=clock.now())

    run_together(*[lambda: assignments.finish(held, at=clock.now())] * 4)

    assert JournalEntry.objects.count() == 1
    assert factories.read_presence(held.agent).load == 0


@pytest.mark.parametrize("attempt", range(3))
def test_going_offline_while_finishing_does_not_deadlock(attempt: int) -> None:
    agent = factories.make_agent(capacity=3)
    talking = factories.make_assignment(agent=agent)
    wrapping = factories.make_assignment(agent=agent)
    factories.make_offer(agent=agent)
    assignments.resolve(wrapping, disposition="solved", at=clock.now())

    run_together(
        lambda: presence.go_offline(agent, at=clock.now()),
        lambda: assignments.finish(wrapping, at=clock.now()),
        lambda: presence.sweep_silent(at=clock.now() + timedelta(minutes=5)),
        lambda: assignments.sweep_gone(at=clock.now()),
        lambda: offers.sweep_gone(at=clock.now()),
    )

    assert JournalEntry.objects.filter(source_id=wrapping.pk).count() == 1
    assert Ticket.objects.get(pk=talking.ticket_id).status == "queued"
    assert factories.read_presence(agent).load == 0
    check_rows_agree()


def test_losing_the_agent_while_resolving_lets_one_win() -> None:
    held = factories.make_assignment()

    run_together(
        lambda: assignments.resolve(held, disposition="solved", at=clock.now()),
        lambda: assignments.lose(held, at=clock.now() + timedelta(minutes=1)),
    )

    assert Ticket.objects.get().status in {"resolved", "queued"}
    assert JournalEntry.objects.count() == 1
    check_rows_agree()


def test_declining_and_accepting_at_once_lets_one_win() -> None:
    offer = factories.make_offer()

    run_together(lambda: accept(offer), lambda: offers.decline(offer, at=clock.now()))

    offer.refresh_from_db()
    assert offer.status in {"accepted", "declined"}
    check_rows_agree()
