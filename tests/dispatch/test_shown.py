"""Cards on screens: the minute begins when one is shown; what none showed is nobody's miss."""

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


def run_out(offer: Offer) -> Offer:
    Offer.objects.filter(pk=offer.pk).update(
        sent_at=clock.now() - 2 * OFFER_LASTS, expires_at=clock.now()
    )
    return offer


def shown(agent: Agent) -> Offer:
    offer = factories.make_offer(agent=agent)
    assert show(offer) == [offer.pk]
    return offer


def expire(agent: Agent) -> None:
    """An offer on this agent's screen goes by unanswered."""
    run_out(shown(agent))
    assert offers.expire_overdue(at=clock.now()) == 1


def now(offer: Offer) -> Offer:
    return Offer.objects.get(pk=offer.pk)


def test_the_minute_begins_when_the_card_is_on_the_screen() -> None:
    offer = factories.make_offer()
    Offer.objects.update(sent_at=offer.sent_at - 15 * SECOND)

    assert show(offer) == [offer.pk]

    offer = now(offer)
    assert offer.status == "shown"
    assert offer.answer_by - offer.shown_at == OFFER_LASTS == 60 * SECOND
    assert offer.expires_at - offer.answer_by == GRACE


def test_a_card_not_shown_yet_promises_its_whole_minute() -> None:
    offer = factories.make_offer()

    assert offer.answer_by - offer.sent_at == OFFER_LASTS
    assert offer.expires_at - offer.sent_at == SHOWN_WITHIN


def test_shown_twice_is_one_minute() -> None:
    offer = factories.make_offer()
    show(offer)
    before = now(offer).expires_at

    assert show(offer) == []
    assert now(offer).expires_at == before


def test_a_page_shows_nobody_elses_offer() -> None:
    mine, theirs = factories.make_offer(), factories.make_offer()

    assert offers.show([(theirs.pk, mine.agent_id)], at=clock.now()) == []
    assert now(theirs).status == "sent"


def test_a_page_that_names_anothers_offer_keeps_it_from_nobody() -> None:
    mine, theirs = factories.make_offer(), factories.make_offer()
    said = [(theirs.pk, theirs.agent_id), (theirs.pk, mine.agent_id)]

    assert offers.show(said, at=clock.now()) == [theirs.pk]


def test_what_was_sent_too_long_ago_or_settled_is_not_shown() -> None:
    late, passed = run_out(factories.make_offer()), factories.make_offer()
    offers.decline(passed, at=clock.now())

    assert show(late, passed) == []


def test_an_offer_no_screen_showed_was_missed_and_is_nobodys_time_out() -> None:
    offer = run_out(factories.make_offer())

    assert offers.expire_overdue(at=clock.now()) == 1

    held = factories.read_presence(offer.agent)
    assert now(offer).status == "missed_connectivity"
    assert (held.timeouts_in_row, held.load, held.status) == (0, 0, "available")


def test_an_offer_on_a_screen_expires_and_counts() -> None:
    agent = factories.make_agent()

    expire(agent)

    held = factories.read_presence(agent)
    assert Offer.objects.get().status == "expired"
    assert (held.timeouts_in_row, held.load, held.status) == (1, 0, "available")


def test_three_time_outs_in_a_row_pause_an_agent_who_comes_back_with_one_tap() -> None:
    agent = factories.make_agent()
    for _ in range(3):
        expire(agent)

    held = factories.read_presence(agent)
    assert (held.status, held.paused, held.timeouts_in_row) == ("away", True, 0)
    assert PresenceSpan.objects.get(agent=agent, ended_at=None).status == "away"

    presence.go_available(agent, at=clock.now())
    held = factories.read_presence(agent)
    assert (held.status, held.paused) == ("available", False)


def test_a_pause_is_no_sign_of_life() -> None:
    agent = factories.make_agent()
    seen_at = factories.read_presence(agent).seen_at
    for _ in range(3):
        expire(agent)

    assert factories.read_presence(agent).seen_at == seen_at


@pytest.mark.parametrize("answer", ["decline", "accept", "come back"])
def test_any_answer_begins_the_count_anew(answer: str) -> None:
    agent = factories.make_agent()
    for _ in range(2):
        expire(agent)
    if answer == "come back":
        presence.go_available(agent, at=clock.now())
    else:
        getattr(offers, answer)(factories.make_offer(agent=agent), at=clock.now())

    assert factories.read_presence(agent).timeouts_in_row == 0


def test_two_that_expire_together_are_one_time_out() -> None:
    """Whoever looked away once looked away once."""
    agent = factories.make_agent(capacity=2)
    for offer in [shown(agent), shown(agent)]:
        run_out(offer)

    assert offers.expire_overdue(at=clock.now()) == 2

    assert factories.read_presence(agent).timeouts_in_row == 1


def test_an_agent_on_a_break_is_not_paused() -> None:
    agent = factories.make_agent()
    Presence.objects.update(timeouts_in_row=2)
    offer = run_out(shown(agent))
    Presence.objects.update(status="away")

    offers.expire_overdue(at=clock.now())

    assert now(offer).status == "expired"
    assert factories.read_presence(agent).paused is False


@pytest.mark.parametrize("status", ["shown", "expired"])
def test_the_database_refuses_to_let_expire_what_was_never_shown(status: str) -> None:
    settled_at = clock.now() if status == "expired" else None
    factories.make_offer()

    with refused_by("what_expired_was_shown"):
        Offer.objects.update(status=status, settled_at=settled_at)


@pytest.mark.parametrize(
    ("because", "again"),
    [("", False), ("not_my_topic", False), ("too_little_pay", False), ("not_now", True)],
)
def test_whoever_passes_for_now_may_be_asked_again(because: str, again: bool) -> None:
    offer = factories.make_offer()

    offers.decline(offer, because=because, at=clock.now())

    assert (now(offer).declined_because, now(offer).may_reoffer) == (because, again)


def test_why_one_passed_is_said_once_and_only_of_what_one_passed() -> None:
    passed, taken = factories.make_offer(), factories.make_assignment().offer
    offers.decline(passed, at=clock.now())

    offers.record_reason(passed, because="no_time")
    offers.record_reason(passed, because="not_my_topic")
    offers.record_reason(taken, because="no_time")

    assert (now(passed).declined_because, now(passed).may_reoffer) == ("no_time", True)
    assert (now(taken).declined_because, now(taken).may_reoffer) == ("", False)


def accepting(agent: Agent, limit: int = 6) -> Agent:
    presence.set_auto_accept(agent, on=True, limit=limit)
    return agent


def test_whoever_wants_it_accepts_by_itself_as_many_an_hour_as_they_said() -> None:
    agent = accepting(factories.make_agent(capacity=3), limit=2)
    three = [factories.make_offer(agent=agent) for _ in range(3)]

    began = offers.auto_accept([offer.pk for offer in three], at=clock.now())

    assert len(began) == Offer.objects.filter(status="accepted", auto_accepted=True).count() == 2
    assert offers.auto_accept([offer.pk for offer in three], at=clock.now()) == []


def test_nothing_is_accepted_for_whoever_did_not_ask_for_it() -> None:
    offer = factories.make_offer()

    assert offers.auto_accept([offer.pk], at=clock.now()) == []
    assert now(offer).status == "sent"


def test_one_that_is_too_late_keeps_no_other_from_being_accepted() -> None:
    late, gone, good = [factories.make_offer(agent=accepting(factories.make_agent()))
                        for _ in range(3)]  # fmt: skip
    run_out(late)
    offers.withdraw(gone, at=clock.now())

    began = offers.auto_accept([late.pk, gone.pk, good.pk], at=clock.now())

    assert [held.offer for held in began] == [good]
