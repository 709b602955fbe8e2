"""Races of several agents asked for one ticket: one has it, nobody waits for ever."""

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
from tests.dispatch.agreement import accept, all_agrees, shown
from tests.together import together
from tickets import clock
from tickets.models import Ticket

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_worker")]

SECOND = timedelta(seconds=1)


def ask_further() -> int:
    """The twenty seconds of whoever was asked last are over."""
    Ticket.objects.filter(reoffer_at__isnull=False).update(reoffer_at=clock.now())
    wave.reopen_hesitant(at=clock.now())
    return wave.run(at=clock.now())


def asked_of(count: int, capacity: int = 1) -> list[Offer]:
    """One more ticket, on so many screens."""
    factories.make_card(valid_from=clock.now() - timedelta(days=1))
    ticket = factories.make_ticket()
    for _ in range(count):
        factories.make_agent(capacity=capacity)
    wave.run(at=clock.now())
    for _ in range(count - 1):
        ask_further()
    made = list(Offer.objects.filter(ticket=ticket).order_by("slot"))
    assert len(made) == count
    return [shown(offer) for offer in made]


@pytest.mark.parametrize("attempt", range(3))
def test_of_three_who_say_yes_at_once_one_has_it(attempt: int) -> None:
    three = asked_of(3)

    said = together(*[lambda offer=offer: accept(offer) for offer in three])

    held = Assignment.objects.get()
    assert Counter(map(str, said)) == {str(held): 1, "offer_taken": 2}
    assert Counter(Offer.objects.values_list("status", flat=True)) == {"accepted": 1, "taken": 2}
    all_agrees()


@pytest.mark.parametrize("attempt", range(3))
def test_accepting_asking_further_expiring_and_showing_at_once_agree(attempt: int) -> None:
    first, second = asked_of(2)
    factories.make_agent()
    Offer.objects.filter(pk=second.pk).update(
        sent_at=clock.now() - 2 * OFFER_LASTS, expires_at=clock.now()
    )

    together(
        lambda: accept(first),
        ask_further,
        lambda: offers.expire_overdue(at=clock.now()),
        lambda: offers.show([(first.pk, first.agent_id)], at=clock.now()),
        lambda: offers.decline(Offer.objects.get(pk=second.pk), at=clock.now()),
    )

    assert Assignment.objects.get().offer == first
    assert Offer.objects.get(pk=second.pk).status in {"expired", "taken", "declined"}
    all_agrees()


@pytest.mark.parametrize("attempt", range(5))
def test_two_who_accept_crosswise_deadlock_nobody(attempt: int) -> None:
    """The first ticket is on X's and Y's screens, the second on Y's and X's."""
    factories.make_card()
    x, y = factories.make_agent(capacity=2), factories.make_agent(capacity=2)
    one, two = factories.make_ticket(), factories.make_ticket()
    by_x, by_y = asked(one, x, y), asked(two, y, x)

    held = together(lambda: accept(by_x), lambda: accept(by_y))

    assert {(work.ticket, work.agent) for work in held} == {(one, x), (two, y)}
    assert [factories.presence_of(agent).load for agent in (x, y)] == [1, 1]
    all_agrees()


def asked(ticket: Ticket, first: Agent, second: Agent) -> Offer:
    """The offer of this ticket to the first of two who are asked."""
    made = factories.make_offer(ticket, first)
    draft = Offer(ticket=ticket, agent=second, slot=1, pay=made.pay)
    assert len(outcome.save([draft], at=clock.now())) == 1
    return made


@pytest.mark.parametrize("attempt", range(3))
def test_declining_by_all_at_once_leaves_the_ticket_to_be_asked_for(attempt: int) -> None:
    three = asked_of(3)

    together(
        *[
            lambda offer=offer: offers.decline(Offer.objects.get(pk=offer.pk), at=clock.now())
            for offer in three
        ]
    )

    ticket = Ticket.objects.get()
    assert (ticket.offered, ticket.reoffer_at) == (False, None)
    all_agrees()


def test_matchers_of_two_shards_and_the_clock_at_once_overbook_nobody() -> None:
    factories.make_card()
    for each in range(12):
        factories.make_ticket(language=["en", "fr", "de"][each % 3])
    for _ in range(4):
        factories.make_agent(languages={"en": 5, "fr": 4, "de": 3}, capacity=2)

    def matcher(number: int) -> Any:
        return lambda: wave.run(at=clock.now(), shard=Shard(number, 2))

    together(matcher(0), matcher(1), matcher(0), matcher(1), scheduler.tick, ask_further)
    for _ in range(3):
        wave.run(at=clock.now())

    assert Offer.objects.pending().count() == 8
    all_agrees()


def test_asking_further_by_six_at_once_asks_no_fourth() -> None:
    asked_of(1)
    for _ in range(6):
        factories.make_agent()

    for _ in range(3):
        together(*[ask_further] * 6)
        all_agrees()

    assert Offer.objects.pending().count() == policies.in_force(at=clock.now()).max_parallel_offers
