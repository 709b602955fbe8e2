"""The wait a customer is told, from the rows as they are."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.cache import cache

from agents import presence
from agents.models import Agent, Presence
from dispatch import assignments, offers
from dispatch.models import Assignment, Offer
from dispatch.waits import estimates, estimator_cache, pool
from tests import factories
from tests.dispatch.waits.quotes import talking, would_be
from tickets import clock
from tickets.models import Client, Ticket
from tickets.queue import Wait

pytestmark = pytest.mark.django_db

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


@pytest.fixture(autouse=True)
def client() -> Client:
    made = factories.make_client()
    factories.make_card(made)
    return made


def wait(client: Client, *, at: datetime | None = None, **given: Any) -> Wait:
    """As a process that has not looked at the floor yet would say it."""
    estimator_cache.forget()
    cache.clear()
    at = at or clock.now()
    return estimates.estimate(would_be(client, at=at, **given), at=at)


def half(client: Client, **given: Any) -> int:
    told = wait(client, **given)
    assert told.p50 is not None
    return told.p50


def worked(agent: Agent, *, minutes: float, times: int = pool.ENOUGH, topic: str = "card") -> None:
    """Finished conversations of this length."""
    for _ in range(times):
        held = factories.make_assignment(ticket=factories.make_ticket(topic=topic), agent=agent)
        assignments.resolve(held, disposition="solved", at=clock.now())
        assignments.finish(held, at=clock.now())
        began = clock.now() - timedelta(hours=1)
        Assignment.objects.filter(pk=held.pk).update(
            started_at=began, ended_at=began + minutes * MINUTE,
            finished_at=began + minutes * MINUTE,
        )  # fmt: skip


def test_nobody_on_line_is_said_and_not_guessed(client: Client) -> None:
    factories.make_agent(available=False)

    assert wait(client) == Wait(unknown="nobody_on_line")


def test_after_the_promise_whoever_knows_a_little_less_is_counted_on(client: Client) -> None:
    factories.make_agent(skills={"cards": 2})
    told = wait(client, skills={"cards": 2})[:2]

    assert wait(client, skills={"cards": 3})[:2] == tuple(30 + one for one in told)
    assert wait(client, skills={"cards": 4})[:2] == tuple(60 + one for one in told)
    assert half(client, skills={"cards": 3}, queued_at=clock.now() - 9 * SECOND) == told[0] + 21
    assert wait(client, skills={"cards": 5}) == Wait(unknown="nobody_able")


def test_whoever_lacks_a_skill_is_counted_on_only_where_it_gives_way(client: Client) -> None:
    factories.make_agent()
    told = wait(client)[:2]

    assert wait(client, skills={"cards": 1}) == Wait(unknown="nobody_able")
    found = wait(client, skills={"cards": 1}, gives_way=["cards"])[:2]
    assert found == tuple(60 + one for one in told)


def test_nobody_who_is_able_is_said_and_not_guessed(client: Client) -> None:
    factories.make_agent(languages={"fr": 5})

    assert wait(client) == Wait(unknown="nobody_able")


@pytest.mark.parametrize("change", [{"status": "away"}, {"seen_at": "2020-01-01T00:00Z"}])
def test_the_away_and_the_silent_are_not_counted_on(client: Client, change: dict[str, str]) -> None:
    factories.make_agent()
    Presence.objects.update(**change)

    assert wait(client) == Wait(unknown="nobody_on_line")


def test_without_a_rate_card_nobody_will_be_asked(client: Client) -> None:
    factories.make_agent()

    assert wait(factories.make_client("poor")) == Wait(unknown="no_rate_card")


def test_with_somebody_free_it_is_the_time_to_answer(client: Client) -> None:
    factories.make_agent()

    half, most, _unknown = wait(client)

    assert half is not None
    assert most is not None
    assert 20 <= half <= 40
    assert 45 <= most <= 60


def test_how_fast_offers_were_answered_counts(client: Client) -> None:
    agent = factories.make_agent()
    worked(agent, minutes=5)
    Offer.objects.update(sent_at=clock.now() - 5 * MINUTE)
    Offer.objects.update(settled_at=clock.now() - 5 * MINUTE + timedelta(seconds=4))

    assert 4 <= half(client) <= 6


def test_a_clock_that_was_set_back_makes_no_wait_less_than_nothing(client: Client) -> None:
    worked(factories.make_agent(), minutes=-60)
    Offer.objects.update(sent_at=clock.now() + 30 * MINUTE)
    talking(factories.make_agent(), since=-30 * MINUTE)

    told = wait(client)

    assert told.p50 is not None
    assert 0 <= told.p50 <= (told.p90 or 0)


def test_a_conversation_that_has_gone_on_for_long_is_sooner_over(client: Client) -> None:
    held = talking(factories.make_agent())
    fresh = half(client)
    Assignment.objects.filter(pk=held.pk).update(started_at=clock.now() - 8 * MINUTE)

    assert half(client) < fresh


def test_a_wrap_up_is_nearly_over(client: Client) -> None:
    held = talking(factories.make_agent())
    during = half(client)
    assignments.resolve(held, disposition="solved", at=clock.now())

    assert half(client) < min(during, 180)


def test_before_there_are_enough_the_card_says_how_long_talks_take(client: Client) -> None:
    other = factories.make_client("slow")
    factories.make_card(other, expected_minutes=60)
    agent = factories.make_agent()
    factories.make_assignment(ticket=factories.make_ticket(other), agent=agent)

    assert half(client) > 20 * 60


def test_real_talks_say_how_long_they_take(client: Client) -> None:
    agent = factories.make_agent()
    worked(agent, minutes=2)
    talking(agent)

    assert half(client) < 3 * 60


def test_whoever_waits_already_is_in_front(client: Client) -> None:
    talking(factories.make_agent())
    alone = half(client)
    for _ in range(3):
        factories.make_ticket()

    assert half(client) > alone + 3 * 60


def test_only_those_ahead_count(client: Client) -> None:
    talking(factories.make_agent())
    factories.make_ticket()
    last = half(client)

    assert half(client, urgency=2) < last


def test_whoever_waits_for_other_agents_is_not_in_front(client: Client) -> None:
    talking(factories.make_agent())
    alone = half(client)
    factories.make_agent("Léa", languages={"fr": 5}, skills={"cards": 3})
    for _ in range(3):
        factories.make_ticket(language="fr")

    assert half(client) == pytest.approx(alone, abs=60)


def test_an_offer_that_is_out_is_only_waited_for_to_be_answered(client: Client) -> None:
    talking(factories.make_agent("Bo"))
    ticket = factories.make_ticket()
    asked = half(client)
    factories.make_offer(ticket, factories.make_agent())
    estimator_cache.forget()
    ticket.refresh_from_db()

    told = estimates.estimate(ticket, at=clock.now())

    assert told.p50 is not None
    assert told.p50 < 60 < asked


def test_a_place_an_offer_holds_is_not_free(client: Client) -> None:
    factories.make_offer(agent=factories.make_agent())

    assert half(client) > 60


def test_behind_a_very_long_line_nobody_is_told_a_time(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    talking(factories.make_agent())
    for _ in range(3):
        factories.make_ticket()
    monkeypatch.setattr(pool, "MAX_QUEUE", 3)

    assert wait(client) == Wait(unknown="long_queue")


def test_an_agent_who_declines_is_no_different_from_one_who_does_not(client: Client) -> None:
    """How offers are answered is known of all together only."""
    willing, unwilling = factories.make_agent("Amina"), factories.make_agent("Bo")
    for _ in range(20):
        offers.decline(factories.make_offer(agent=unwilling), at=clock.now())
        held = factories.make_assignment(agent=willing)
        assignments.resolve(held, disposition="solved", at=clock.now())
        assignments.finish(held, at=clock.now())
    Ticket.objects.update(status="resolved", closed_at=clock.now())
    presence.go_away(unwilling, at=clock.now())
    only_willing = wait(client)
    presence.go_available(unwilling, at=clock.now())
    presence.go_away(willing, at=clock.now())

    assert wait(client) == only_willing
