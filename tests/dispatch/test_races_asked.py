"""Races of several agents with offers of one ticket: one gets it, and none deadlocks."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from agents.models import Agent
from dispatch import offers, policies, scheduler
from dispatch.models import OFFER_LASTS, Assignment, Offer
from dispatch.waves import outcome, wave
from dispatch.waves.snapshot import Shard
from tests import factories
from tests.dispatch.agreement import accept, check_rows_agree, show
from tests.together import run_together
from tickets import clock
from tickets.models import Ticket

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_worker")]

SECOND = timedelta(seconds=1)


def reoffer() -> int:
    """End the exclusive time of the last offer and run a wave."""
    Ticket.objects.filter(reoffer_at__isnull=False).update(reoffer_at=clock.now())
    wave.reopen_hesitant(at=clock.now())
    return wave.run(at=clock.now())


def make_offers_to(count: int, capacity: int = 1) -> list[Offer]:
    """Make a ticket with shown offers to this many agents."""
    factories.make_card(valid_from=clock.now() - timedelta(days=1))
    ticket = factories.make_ticket()
    for _ in range(count):
        factories.make_agent(capacity=capacity)
    wave.run(at=clock.now())
    for _ in range(count - 1):
        reoffer()
    made = list(Offer.objects.filter(ticket=ticket).order_by("slot"))
    assert len(made) == count
    return [show(offer) for offer in made]


@pytest.mark.parametrize("attempt", range(3))
def test_of_three_acceptances_at_once_one_wins(attempt: int) -> None:
    three = make_offers_to(3)

    said = run_together(*[lambda offer=offer: accept(offer) for offer in three])

    held = Assignment.objects.get()
    assert Counter(map(str, said)) == {str(held): 1, "offer_taken": 2}
    assert Counter(Offer.objects.values_list("status", flat=True)) == {"accepted": 1, "taken": 2}
    check_rows_agree()


@pytest.mark.parametrize("attempt", range(3))
def test_accepting_reoffering_expiring_and_showing_at_once_end_consistently(attempt: int) -> None:
    first, second = make_offers_to(2)
    factories.make_agent()
    Offer.objects.filter(pk=second.pk).update(
        sent_at=clock.now() - 2 * OFFER_LASTS, expires_at=clock.now()
    )

    run_together(
        lambda: accept(first),
        reoffer,
        lambda: offers.expire_overdue(at=clock.now()),
        lambda: offers.show([(first.pk, first.agent_id)], at=clock.now()),
        lambda: offers.decline(Offer.objects.get(pk=second.pk), at=clock.now()),
    )

    assert Assignment.objects.get().offer == first
    assert Offer.objects.get(pk=second.pk).status in {"expired", "taken", "declined"}
    check_rows_agree()


@pytest.mark.parametrize("attempt", range(5))
def test_two_crosswise_acceptances_do_not_deadlock(attempt: int) -> None:
    """X and Y each have an offer of both tickets."""
    factories.make_card()
    x, y = factories.make_agent(capacity=2), factories.make_agent(capacity=2)
    one, two = factories.make_ticket(), factories.make_ticket()
    by_x, by_y = make_two_offers(one, x, y), make_two_offers(two, y, x)

    held = run_together(lambda: accept(by_x), lambda: accept(by_y))

    assert {(work.ticket, work.agent) for work in held} == {(one, x), (two, y)}
    assert [factories.read_presence(agent).load for agent in (x, y)] == [1, 1]
    check_rows_agree()


def make_two_offers(ticket: Ticket, first: Agent, second: Agent) -> Offer:
    """Offer the ticket to two agents and return the offer to the first."""
    made = factories.make_offer(ticket, first)
    draft = Offer(ticket=ticket, agent=second, slot=1, pay=made.pay)
    assert len(outcome.save([draft], at=clock.now())) == 1
    return made


@pytest.mark.parametrize("attempt", range(3))
def test_a_ticket_declined_by_all_at_once_is_ready_to_be_offered(attempt: int) -> None:
    three = make_offers_to(3)

    run_together(
        *[
            lambda offer=offer: offers.decline(Offer.objects.get(pk=offer.pk), at=clock.now())
            for offer in three
        ]
    )

    ticket = Ticket.objects.get()
    assert (ticket.offered, ticket.reoffer_at) == (False, None)
    check_rows_agree()


def test_two_shards_and_the_scheduler_at_once_overbook_no_agent() -> None:
    factories.make_card()
    for each in range(12):
        factories.make_ticket(language=["en", "fr", "de"][each % 3])
    for _ in range(4):
        factories.make_agent(languages={"en": 5, "fr": 4, "de": 3}, capacity=2)

    def matcher(number: int) -> Any:
        return lambda: wave.run(at=clock.now(), shard=Shard(number, 2))

    run_together(matcher(0), matcher(1), matcher(0), matcher(1), scheduler.tick, reoffer)
    for _ in range(3):
        wave.run(at=clock.now())

    assert Offer.objects.pending().count() == 8
    check_rows_agree()


def test_six_reoffers_at_once_make_no_fourth_offer() -> None:
    make_offers_to(1)
    for _ in range(6):
        factories.make_agent()

    for _ in range(3):
        run_together(*[reoffer] * 6)
        check_rows_agree()

    assert (
        Offer.objects.pending().count()
        == policies.read_in_force(at=clock.now()).max_parallel_offers
    )
