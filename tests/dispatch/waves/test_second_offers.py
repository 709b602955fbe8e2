"""Parallel offers: a ticket is offered to up to three agents in turn, and one of them gets it."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from agents.models import Agent, Presence
from dispatch import assignments, offers, policies
from dispatch.models import Offer, PolicyVersion
from dispatch.waves import wave
from tests import factories
from tests.refusals import refused_by
from tickets import clock
from tickets.models import Ticket

pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)
ALONE = timedelta(seconds=20)


@pytest.fixture(autouse=True)
def _card() -> None:
    factories.make_card()


@pytest.fixture
def four_agents() -> list[Agent]:
    """The agents, longest idle first."""
    came = [clock.now() - seconds * SECOND for seconds in (9, 8, 7, 6)]
    return [factories.make_agent(at=at) for at in came]


def get_pending() -> dict[Any, int]:
    """Return the agents with a pending offer, and its slot."""
    return dict(Offer.objects.pending().order_by("slot").values_list("agent", "slot"))


def run_tick(at: Any) -> int:
    """Reopen tickets and run a wave at this time, with every agent's page alive."""
    Presence.objects.update(seen_at=at)
    wave.reopen_hesitant(at=at)
    return wave.run(at=at)


def get_ticket() -> Ticket:
    return Ticket.objects.get()


@pytest.fixture
def three_offers(four_agents: list[Agent]) -> list[Offer]:
    """The pending offers of one ticket to three agents, in order of time."""
    factories.make_ticket()
    now = clock.now()
    assert [run_tick(now + wait * ALONE) for wait in range(3)] == [1, 1, 1]
    return list(Offer.objects.order_by("slot"))


def publish(**given: Any) -> None:
    """Publish a policy that is in force at once."""
    draft = PolicyVersion(note="Another.", **given)
    policies.publish(draft, at=clock.now() - policies.NOTICE)


def test_first_agent_has_the_offer_alone_for_twenty_seconds(four_agents: list[Agent]) -> None:
    factories.make_ticket()
    now = clock.now()
    run_tick(now)

    assert (get_ticket().offered, get_ticket().reoffer_at) == (True, now + ALONE)
    assert run_tick(now + ALONE - SECOND) == 0
    assert run_tick(now + ALONE) == 1
    assert get_pending() == {four_agents[0].pk: 0, four_agents[1].pk: 1}


def test_third_agent_gets_an_offer_and_a_fourth_does_not(
    three_offers: list[Offer], four_agents: list[Agent]
) -> None:
    assert get_pending() == {who.pk: place for place, who in enumerate(four_agents[:3])}
    assert (get_ticket().offered, get_ticket().reoffer_at) == (True, None)
    assert run_tick(clock.now() + 7 * ALONE) == 0


def test_agent_never_has_two_offers_of_a_ticket() -> None:
    factories.make_ticket()
    factories.make_agent(capacity=3)
    run_tick(clock.now())

    assert run_tick(clock.now() + 2 * ALONE) == 0
    assert Offer.objects.count() == 1


def test_ticket_without_another_free_agent_blocks_no_other() -> None:
    factories.make_ticket(at=clock.now() - 9 * SECOND)
    agent = factories.make_agent(capacity=3)
    run_tick(clock.now())
    other = factories.make_ticket()

    assert run_tick(clock.now() + ALONE) == 1
    assert set(Offer.objects.values_list("agent", flat=True)) == {agent.pk}
    assert Offer.objects.filter(ticket=other).exists()


def test_first_acceptance_takes_the_other_offers(three_offers: list[Offer]) -> None:
    first, second, third = three_offers

    held = offers.accept(second, at=clock.now())

    statuses = Offer.objects.order_by("slot").values_list("status", flat=True)
    assert list(statuses) == ["taken", "accepted", "taken"]
    loads = [factories.read_presence(one.agent).load for one in three_offers]
    assert (held.agent, loads) == (second.agent, [0, 1, 0])
    assert factories.read_presence(first.agent).idle_since < third.sent_at


def test_late_agent_is_offered_a_requeued_ticket_again(
    three_offers: list[Offer],
) -> None:
    """An offer taken by another agent is not a decline."""
    first, second, _third = three_offers
    held = offers.accept(second, at=clock.now())
    offers.decline(first, at=clock.now())
    assignments.lose(held, at=clock.now())

    assert wave.run(at=clock.now()) == 1
    assert Offer.objects.pending().get().reasons["again"] is False


def test_declined_offer_frees_its_slot_for_one_more_agent(
    three_offers: list[Offer], four_agents: list[Agent]
) -> None:
    """Three agents have offers, the second declines, and the fourth gets the second slot."""
    last = three_offers[2].sent_at
    offers.decline(three_offers[1], at=last + SECOND)

    assert (get_ticket().offered, get_ticket().reoffer_at) == (True, last + ALONE)
    assert run_tick(last + ALONE) == 1
    assert get_pending()[four_agents[3].pk] == 1
    assert (get_ticket().offered, get_ticket().reoffer_at) == (True, None)
    factories.make_agent()
    assert run_tick(last + 7 * ALONE) == 0


def test_decline_after_the_exclusive_time_reopens_the_ticket_at_once(
    three_offers: list[Offer], four_agents: list[Agent]
) -> None:
    late = three_offers[2].sent_at + ALONE
    offers.decline(three_offers[0], at=late)

    assert (get_ticket().offered, get_ticket().reoffer_at) == (False, None)
    assert run_tick(late) == 1
    assert get_pending()[four_agents[3].pk] == 0


@pytest.mark.parametrize("how", ["declined", "expired", "missed", "withdrawn", "left"])
def test_settling_the_last_pending_offer_reopens_the_ticket_at_once(how: str) -> None:
    offer = factories.make_offer()
    past = clock.now() - SECOND
    if how == "declined":
        offers.decline(offer, at=clock.now())
    elif how == "withdrawn":
        offers.withdraw(offer, at=clock.now())
    elif how == "left":
        offers.withdraw_from(offer.agent, at=clock.now())
    else:
        if how == "expired":
            offers.show([(offer.pk, offer.agent_id)], at=clock.now())
        Offer.objects.update(sent_at=past - SECOND, expires_at=past)
        assert offers.expire_overdue(at=clock.now()) == 1

    assert (get_ticket().offered, get_ticket().reoffer_at) == (False, None)
    assert not Offer.objects.pending().exists()


def test_policy_may_limit_parallel_offers(four_agents: list[Agent]) -> None:
    publish(max_parallel_offers=2)
    factories.make_ticket()
    now = clock.now()

    assert [run_tick(now + wait * ALONE) for wait in range(3)] == [1, 1, 0]
    offers.decline(Offer.objects.get(slot=0), at=now + 3 * ALONE)
    assert [run_tick(now + wait * ALONE) for wait in (3, 4, 5)] == [1, 0, 0]
    assert len(get_pending()) == 2


def test_new_policy_with_fewer_offers_keeps_those_already_pending(
    three_offers: list[Offer],
) -> None:
    publish(max_parallel_offers=2)

    offers.decline(three_offers[0], at=clock.now() + 3 * ALONE)

    assert (get_ticket().offered, get_ticket().reoffer_at) == (True, None)


def test_policy_may_allow_a_single_offer(four_agents: list[Agent]) -> None:
    publish(max_parallel_offers=1, exclusive_for=5)
    factories.make_ticket()

    assert [run_tick(clock.now() + wait * ALONE) for wait in range(2)] == [1, 0]


def test_database_refuses_two_pending_offers_in_one_slot(
    three_offers: list[Offer],
) -> None:
    with refused_by("one_pending_offer_per_slot"):
        copy_offer(three_offers[0], agent=factories.make_agent())


def test_database_refuses_two_pending_offers_to_one_agent() -> None:
    offer = factories.make_offer()

    with refused_by("nobody_is_asked_twice_at_once"):
        copy_offer(offer, slot=1)


def test_database_refuses_a_fourth_slot(three_offers: list[Offer]) -> None:
    with refused_by("at_most_three_are_asked_at_once"):
        copy_offer(three_offers[0], agent=factories.make_agent(), slot=3)


def copy_offer(offer: Offer, **changes: Any) -> Offer:
    """Create another offer like this one."""
    same = {name: getattr(offer, name) for name in ("ticket", "agent", "pay", "slot")}
    moments = {"sent_at": offer.sent_at, "expires_at": offer.expires_at}
    return Offer.objects.create(**{**same, **moments, **changes})


def test_settled_offer_leaves_its_slot_to_another() -> None:
    offer = factories.make_offer()
    offers.decline(offer, at=clock.now())

    assert copy_offer(offer, agent=factories.make_agent()).slot == 0


def test_default_policy_offers_to_three_agents_at_twenty_seconds() -> None:
    told = policies.read_in_force(at=clock.now())

    assert told == replace(told, exclusive_for=20, max_parallel_offers=3)
