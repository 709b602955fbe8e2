"""Shown offers: the answer time begins when a page shows the offer, and unshown ones are missed."""

from datetime import timedelta
from typing import Any

import pytest

from agents import presence
from agents.models import Agent, Presence, PresenceSpan
from dispatch import offers
from dispatch.models import GRACE, OFFER_LASTS, SHOWN_WITHIN, Offer
from tests import factories
from tests.refusals import refused_by
from tickets import clock

pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)


def show(*given: Offer) -> list[Any]:
    return offers.show([(offer.pk, offer.agent_id) for offer in given], at=clock.now())


def move_past_expiry(offer: Offer) -> Offer:
    Offer.objects.filter(pk=offer.pk).update(
        sent_at=clock.now() - 2 * OFFER_LASTS, expires_at=clock.now()
    )
    return offer


def make_shown_offer(agent: Agent) -> Offer:
    offer = factories.make_offer(agent=agent)
    assert show(offer) == [offer.pk]
    return offer


def expire(agent: Agent) -> None:
    """Let a shown offer of this agent expire."""
    move_past_expiry(make_shown_offer(agent))
    assert offers.expire_overdue(at=clock.now()) == 1


def reload(offer: Offer) -> Offer:
    return Offer.objects.get(pk=offer.pk)


def test_the_answer_time_begins_when_the_offer_is_shown() -> None:
    offer = factories.make_offer()
    Offer.objects.update(sent_at=offer.sent_at - 15 * SECOND)

    assert show(offer) == [offer.pk]

    offer = reload(offer)
    assert offer.status == "shown"
    assert offer.answer_by - offer.shown_at == OFFER_LASTS == 60 * SECOND
    assert offer.expires_at - offer.answer_by == GRACE


def test_an_unshown_offer_has_its_whole_answer_time() -> None:
    offer = factories.make_offer()

    assert offer.answer_by - offer.sent_at == OFFER_LASTS
    assert offer.expires_at - offer.sent_at == SHOWN_WITHIN


def test_showing_an_offer_twice_does_not_extend_its_time() -> None:
    offer = factories.make_offer()
    show(offer)
    before = reload(offer).expires_at

    assert show(offer) == []
    assert reload(offer).expires_at == before


def test_a_page_cannot_show_another_agents_offer() -> None:
    mine, theirs = factories.make_offer(), factories.make_offer()

    assert offers.show([(theirs.pk, mine.agent_id)], at=clock.now()) == []
    assert reload(theirs).status == "sent"


def test_a_page_naming_anothers_offer_does_not_stop_its_own_agent() -> None:
    mine, theirs = factories.make_offer(), factories.make_offer()
    said = [(theirs.pk, theirs.agent_id), (theirs.pk, mine.agent_id)]

    assert offers.show(said, at=clock.now()) == [theirs.pk]


def test_expired_and_settled_offers_are_not_shown() -> None:
    late, passed = move_past_expiry(factories.make_offer()), factories.make_offer()
    offers.decline(passed, at=clock.now())

    assert show(late, passed) == []


def test_an_unshown_offer_is_missed_and_counts_as_no_timeout() -> None:
    offer = move_past_expiry(factories.make_offer())

    assert offers.expire_overdue(at=clock.now()) == 1

    held = factories.read_presence(offer.agent)
    assert reload(offer).status == "missed_connectivity"
    assert (held.timeouts_in_row, held.load, held.status) == (0, 0, "available")


def test_a_shown_offer_expires_and_counts_as_a_timeout() -> None:
    agent = factories.make_agent()

    expire(agent)

    held = factories.read_presence(agent)
    assert Offer.objects.get().status == "expired"
    assert (held.timeouts_in_row, held.load, held.status) == (1, 0, "available")


def test_three_timeouts_in_a_row_pause_an_agent_until_they_go_available() -> None:
    agent = factories.make_agent()
    for _ in range(3):
        expire(agent)

    held = factories.read_presence(agent)
    assert (held.status, held.paused, held.timeouts_in_row) == ("away", True, 0)
    assert PresenceSpan.objects.get(agent=agent, ended_at=None).status == "away"

    presence.go_available(agent, at=clock.now())
    held = factories.read_presence(agent)
    assert (held.status, held.paused) == ("available", False)


def test_a_pause_does_not_count_as_a_heartbeat() -> None:
    agent = factories.make_agent()
    seen_at = factories.read_presence(agent).seen_at
    for _ in range(3):
        expire(agent)

    assert factories.read_presence(agent).seen_at == seen_at


@pytest.mark.parametrize("answer", ["decline", "accept", "come back"])
def test_any_answer_resets_the_count_of_timeouts(answer: str) -> None:
    agent = factories.make_agent()
    for _ in range(2):
        expire(agent)
    if answer == "come back":
        presence.go_available(agent, at=clock.now())
    else:
        getattr(offers, answer)(factories.make_offer(agent=agent), at=clock.now())

    assert factories.read_presence(agent).timeouts_in_row == 0


def test_two_offers_that_expire_together_count_as_one_timeout() -> None:
    """The agent looked away once."""
    agent = factories.make_agent(capacity=2)
    for offer in [make_shown_offer(agent), make_shown_offer(agent)]:
        move_past_expiry(offer)

    assert offers.expire_overdue(at=clock.now()) == 2

    assert factories.read_presence(agent).timeouts_in_row == 1


def test_an_agent_on_a_break_is_not_paused() -> None:
    agent = factories.make_agent()
    Presence.objects.update(timeouts_in_row=2)
    offer = move_past_expiry(make_shown_offer(agent))
    Presence.objects.update(status="away")

    offers.expire_overdue(at=clock.now())

    assert reload(offer).status == "expired"
    assert factories.read_presence(agent).paused is False


@pytest.mark.parametrize("status", ["shown", "expired"])
def test_the_database_refuses_an_unshown_offer_as_shown_or_expired(status: str) -> None:
    settled_at = clock.now() if status == "expired" else None
    factories.make_offer()

    with refused_by("what_expired_was_shown"):
        Offer.objects.update(status=status, settled_at=settled_at)


@pytest.mark.parametrize(
    ("because", "again"),
    [("", False), ("not_my_topic", False), ("too_little_pay", False), ("not_now", True)],
)
def test_only_a_decline_for_now_allows_a_second_offer(because: str, again: bool) -> None:
    offer = factories.make_offer()

    offers.decline(offer, because=because, at=clock.now())

    assert (reload(offer).declined_because, reload(offer).may_reoffer) == (because, again)


def test_the_reason_of_a_decline_is_stored_once_and_only_for_declined_offers() -> None:
    passed, taken = factories.make_offer(), factories.make_assignment().offer
    offers.decline(passed, at=clock.now())

    offers.record_reason(passed, because="no_time")
    offers.record_reason(passed, because="not_my_topic")
    offers.record_reason(taken, because="no_time")

    assert (reload(passed).declined_because, reload(passed).may_reoffer) == ("no_time", True)
    assert (reload(taken).declined_because, reload(taken).may_reoffer) == ("", False)


def turn_on_auto_accept(agent: Agent, limit: int = 6) -> Agent:
    presence.set_auto_accept(agent, on=True, limit=limit)
    return agent


def test_auto_accept_accepts_up_to_the_agents_hourly_limit() -> None:
    agent = turn_on_auto_accept(factories.make_agent(capacity=3), limit=2)
    three = [factories.make_offer(agent=agent) for _ in range(3)]

    began = offers.auto_accept([offer.pk for offer in three], at=clock.now())

    assert len(began) == Offer.objects.filter(status="accepted", auto_accepted=True).count() == 2
    assert offers.auto_accept([offer.pk for offer in three], at=clock.now()) == []


def test_auto_accept_skips_agents_who_did_not_turn_it_on() -> None:
    offer = factories.make_offer()

    assert offers.auto_accept([offer.pk], at=clock.now()) == []
    assert reload(offer).status == "sent"


def test_an_expired_offer_does_not_stop_auto_accept_of_others() -> None:
    late, gone, good = [factories.make_offer(agent=turn_on_auto_accept(factories.make_agent()))
                        for _ in range(3)]  # fmt: skip
    move_past_expiry(late)
    offers.withdraw(gone, at=clock.now())

    began = offers.auto_accept([late.pk, gone.pk, good.pk], at=clock.now())

    assert [held.offer for held in began] == [good]
