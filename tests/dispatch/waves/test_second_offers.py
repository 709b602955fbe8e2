"""One agent is asked, then another, then a third: never a fourth, never the same; one takes it."""

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
    """From the longest idle on."""
    came = [clock.now() - seconds * SECOND for seconds in (9, 8, 7, 6)]
    return [factories.make_agent(at=at) for at in came]


def pending() -> dict[Any, int]:
    """Who is asked, in which place."""
    return dict(Offer.objects.pending().order_by("slot").values_list("agent", "slot"))


def ask(at: Any) -> int:
    """Let the scheduler tick at that moment; everybody's page is alive."""
    Presence.objects.update(seen_at=at)
    wave.reopen_hesitant(at=at)
    return wave.run(at=at)


def ticket() -> Ticket:
    return Ticket.objects.get()


@pytest.fixture
def asked_of_three(four_agents: list[Agent]) -> list[Offer]:
    """A ticket on three screens, in the order they were asked."""
    factories.make_ticket()
    now = clock.now()
    assert [ask(now + wait * ALONE) for wait in range(3)] == [1, 1, 1]
    return list(Offer.objects.order_by("slot"))


def publish(**given: Any) -> None:
    """A policy in force at once."""
    draft = PolicyVersion(note="Another.", **given)
    policies.publish(draft, at=clock.now() - policies.NOTICE)


def test_an_agent_is_asked_alone_for_twenty_seconds(four_agents: list[Agent]) -> None:
    factories.make_ticket()
    now = clock.now()
    ask(now)

    assert (ticket().offered, ticket().reoffer_at) == (True, now + ALONE)
    assert ask(now + ALONE - SECOND) == 0
    assert ask(now + ALONE) == 1
    assert pending() == {four_agents[0].pk: 0, four_agents[1].pk: 1}


def test_a_third_is_asked_and_no_fourth(
    asked_of_three: list[Offer], four_agents: list[Agent]
) -> None:
    assert pending() == {who.pk: place for place, who in enumerate(four_agents[:3])}
    assert (ticket().offered, ticket().reoffer_at) == (True, None)
    assert ask(clock.now() + 7 * ALONE) == 0


def test_the_same_agent_is_never_asked_twice_at_once() -> None:
    factories.make_ticket()
    factories.make_agent(capacity=3)
    ask(clock.now())

    assert ask(clock.now() + 2 * ALONE) == 0
    assert Offer.objects.count() == 1


def test_while_nobody_further_is_free_the_ticket_stands_in_nobodys_way() -> None:
    factories.make_ticket(at=clock.now() - 9 * SECOND)
    agent = factories.make_agent(capacity=3)
    ask(clock.now())
    other = factories.make_ticket()

    assert ask(clock.now() + ALONE) == 1
    assert set(Offer.objects.values_list("agent", flat=True)) == {agent.pk}
    assert Offer.objects.filter(ticket=other).exists()


def test_the_first_yes_wins_and_the_others_learn_it(asked_of_three: list[Offer]) -> None:
    first, second, third = asked_of_three

    held = offers.accept(second, at=clock.now())

    statuses = Offer.objects.order_by("slot").values_list("status", flat=True)
    assert list(statuses) == ["taken", "accepted", "taken"]
    loads = [factories.read_presence(one.agent).load for one in asked_of_three]
    assert (held.agent, loads) == (second.agent, [0, 1, 0])
    assert factories.read_presence(first.agent).idle_since < third.sent_at


def test_whoever_was_too_late_is_asked_again_when_the_ticket_comes_back(
    asked_of_three: list[Offer],
) -> None:
    """Taken by another is no refusal."""
    first, second, _third = asked_of_three
    held = offers.accept(second, at=clock.now())
    offers.decline(first, at=clock.now())
    assignments.lose(held, at=clock.now())

    assert wave.run(at=clock.now()) == 1
    assert Offer.objects.pending().get().reasons["again"] is False


def test_in_a_place_that_became_free_another_is_asked_and_then_no_more(
    asked_of_three: list[Offer], four_agents: list[Agent]
) -> None:
    """Three were asked, the second passed, and the fourth takes the second place."""
    last = asked_of_three[2].sent_at
    offers.decline(asked_of_three[1], at=last + SECOND)

    assert (ticket().offered, ticket().reoffer_at) == (True, last + ALONE)
    assert ask(last + ALONE) == 1
    assert pending()[four_agents[3].pk] == 1
    assert (ticket().offered, ticket().reoffer_at) == (True, None)
    factories.make_agent()
    assert ask(last + 7 * ALONE) == 0


def test_when_those_still_asked_had_their_time_another_is_asked_at_once(
    asked_of_three: list[Offer], four_agents: list[Agent]
) -> None:
    late = asked_of_three[2].sent_at + ALONE
    offers.decline(asked_of_three[0], at=late)

    assert (ticket().offered, ticket().reoffer_at) == (False, None)
    assert ask(late) == 1
    assert pending()[four_agents[3].pk] == 0


@pytest.mark.parametrize("how", ["declined", "expired", "missed", "withdrawn", "left"])
def test_when_nobody_is_asked_any_more_the_next_is_asked_at_once(how: str) -> None:
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

    assert (ticket().offered, ticket().reoffer_at) == (False, None)
    assert not Offer.objects.pending().exists()


def test_a_policy_may_ask_for_fewer_at_once(four_agents: list[Agent]) -> None:
    publish(max_parallel_offers=2)
    factories.make_ticket()
    now = clock.now()

    assert [ask(now + wait * ALONE) for wait in range(3)] == [1, 1, 0]
    offers.decline(Offer.objects.get(slot=0), at=now + 3 * ALONE)
    assert [ask(now + wait * ALONE) for wait in (3, 4, 5)] == [1, 0, 0]
    assert len(pending()) == 2


def test_a_policy_that_asks_for_fewer_lets_those_asked_already_answer(
    asked_of_three: list[Offer],
) -> None:
    publish(max_parallel_offers=2)

    offers.decline(asked_of_three[0], at=clock.now() + 3 * ALONE)

    assert (ticket().offered, ticket().reoffer_at) == (True, None)


def test_a_policy_may_ask_one_only(four_agents: list[Agent]) -> None:
    publish(max_parallel_offers=1, exclusive_for=5)
    factories.make_ticket()

    assert [ask(clock.now() + wait * ALONE) for wait in range(2)] == [1, 0]


def test_the_database_refuses_two_pending_offers_in_one_place(
    asked_of_three: list[Offer],
) -> None:
    with refused_by("one_pending_offer_per_slot"):
        again(asked_of_three[0], agent=factories.make_agent())


def test_the_database_refuses_to_ask_somebody_twice_at_once() -> None:
    offer = factories.make_offer()

    with refused_by("nobody_is_asked_twice_at_once"):
        again(offer, slot=1)


def test_the_database_refuses_a_fourth(asked_of_three: list[Offer]) -> None:
    with refused_by("at_most_three_are_asked_at_once"):
        again(asked_of_three[0], agent=factories.make_agent(), slot=3)


def again(offer: Offer, **changes: Any) -> Offer:
    """Another offer like this one."""
    same = {name: getattr(offer, name) for name in ("ticket", "agent", "pay", "slot")}
    moments = {"sent_at": offer.sent_at, "expires_at": offer.expires_at}
    return Offer.objects.create(**{**same, **moments, **changes})


def test_a_settled_offer_leaves_its_place_to_another() -> None:
    offer = factories.make_offer()
    offers.decline(offer, at=clock.now())

    assert again(offer, agent=factories.make_agent()).slot == 0


def test_the_policy_itself_is_what_says_how_long_and_how_many() -> None:
    told = policies.read_in_force(at=clock.now())

    assert told == replace(told, exclusive_for=20, max_parallel_offers=3)
