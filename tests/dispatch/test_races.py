"""Races, for real: each call on its own thread and connection."""

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
from tests.dispatch.agreement import accept, all_agrees
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
    all_agrees()


def test_an_acceptance_that_waited_past_the_end_is_too_late() -> None:
    offer = factories.make_offer()

    with while_locked(offer.ticket, lambda: accept(offer)) as late:
        Offer.objects.filter(pk=offer.pk).update(
            sent_at=F("sent_at") - OFFER_LASTS * 2, expires_at=clock.now()
        )

    assert late.result() == "offer_expired"
    assert not Assignment.objects.exists()


def test_an_acceptance_that_waited_and_is_still_in_time_counts() -> None:
    offer = factories.make_offer()

    with while_locked(offer.ticket, lambda: accept(offer)) as in_time:
        pass

    assert in_time.result() == Assignment.objects.get()


def test_an_end_that_comes_while_an_acceptance_waits_for_another_reason_is_seen() -> None:
    """The deadline passes during the wait and the row itself is not touched by whoever blocks."""
    offer = factories.make_offer()
    Offer.objects.filter(pk=offer.pk).update(expires_at=clock.now() + timedelta(seconds=0.5))

    with while_locked(offer.ticket, lambda: accept(offer)) as late:
        while clock.now() < Offer.objects.get().expires_at:
            pass

    assert late.result() == "offer_expired"


def test_accepting_while_it_expires_is_one_or_the_other() -> None:
    offer = factories.make_offer()
    Offer.objects.filter(pk=offer.pk).update(expires_at=clock.now() + timedelta(milliseconds=30))

    run_together(*[lambda: accept(offer)] * 2, *[lambda: offers.expire_overdue(at=clock.now())] * 2)

    offer.refresh_from_db()
    assert (offer.status == "accepted") == Assignment.objects.exists()
    all_agrees()


@pytest.mark.parametrize("attempt", range(3))
def test_accepting_while_the_customer_leaves_agrees_in_the_end(attempt: int) -> None:
    offer = factories.make_offer()

    accepted, left = run_together(lambda: accept(offer), lambda: abandon(offer.ticket))

    assert left == "abandoned"
    assert accepted == "offer_gone" or Assignment.objects.get().ending == "abandoned"
    all_agrees()


@pytest.mark.parametrize("attempt", range(3))
def test_accepting_while_the_wave_gives_up_is_one_or_the_other(attempt: int) -> None:
    offer = factories.make_offer()

    accepted, told = run_together(
        lambda: accept(offer), lambda: lifecycle.give_up(offer.ticket, at=clock.now())
    )

    status = Ticket.objects.get().status
    assert (accepted == "offer_gone", told == "ticket_not_waiting") in {
        (True, False),
        (False, True),
    }
    assert status == ("unavailable" if accepted == "offer_gone" else "active")
    all_agrees()


def test_eight_waves_at_once_overbook_nobody_and_none_breaks() -> None:
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
    all_agrees()


def test_a_wave_that_waited_for_nobody_offers_a_ticket_another_wave_just_offered_never_twice() -> (
    None
):
    factories.make_card()
    factories.make_ticket()
    for _ in range(8):
        factories.make_agent()

    made = run_together(*[lambda: wave.run(at=clock.now())] * 8)

    assert sum(made) == Offer.objects.count() == 1
    all_agrees()


def test_twenty_offers_for_one_ticket_are_one() -> None:
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


def test_eight_reservations_of_two_places_are_two() -> None:
    agent = factories.make_agent(capacity=2)
    tickets = [factories.make_ticket() for _ in range(8)]
    pay = factories.make_offer().pay

    def reserve(ticket: Ticket) -> int:
        return len(outcome.save([Offer(ticket=ticket, agent=agent, pay=pay)], at=clock.now()))

    made = run_together(*[lambda ticket=ticket: reserve(ticket) for ticket in tickets])

    # Whoever comes while another reserves is told there is no place, rather than made to wait.
    assert sum(made) == factories.read_presence(agent).load
    assert sum(made) in (1, 2)
    all_agrees()


@pytest.mark.parametrize("attempt", range(3))
def test_resolving_while_the_customer_leaves_has_one_end(attempt: int) -> None:
    held = factories.make_assignment()

    resolved, _left = run_together(
        lambda: assignments.resolve(held, disposition="solved", at=clock.now()),
        lambda: abandon(held.ticket),
    )

    end = Ticket.objects.get().status
    assert end == ("abandoned" if resolved == "assignment_over" else "resolved")
    assert Assignment.objects.get().ending == end
    all_agrees()


def test_finishing_from_two_tabs_at_once_pays_once() -> None:
    held = factories.make_assignment()
    assignments.resolve(held, disposition="solved", at=clock.now())

    run_together(*[lambda: assignments.finish(held, at=clock.now())] * 4)

    assert JournalEntry.objects.count() == 1
    assert factories.read_presence(held.agent).load == 0


@pytest.mark.parametrize("attempt", range(3))
def test_leaving_while_finishing_deadlocks_nobody(attempt: int) -> None:
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
    all_agrees()


def test_losing_the_line_while_resolving_is_one_or_the_other() -> None:
    held = factories.make_assignment()

    run_together(
        lambda: assignments.resolve(held, disposition="solved", at=clock.now()),
        lambda: assignments.lose(held, at=clock.now() + timedelta(minutes=1)),
    )

    assert Ticket.objects.get().status in {"resolved", "queued"}
    assert JournalEntry.objects.count() == 1
    all_agrees()


def test_declining_and_accepting_at_once_is_one_of_them() -> None:
    offer = factories.make_offer()

    run_together(lambda: accept(offer), lambda: offers.decline(offer, at=clock.now()))

    offer.refresh_from_db()
    assert offer.status in {"accepted", "declined"}
    all_agrees()
