"""The estimated wait, from the rows in the database."""

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
from tests.dispatch.waits.quotes import draft_ticket, start_conversation
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


def estimate_wait(client: Client, *, at: datetime | None = None, **given: Any) -> Wait:
    """Estimate as a process that has not read the pool yet."""
    estimator_cache.clear()
    cache.clear()
    at = at or clock.now()
    return estimates.estimate(draft_ticket(client, at=at, **given), at=at)


def estimate_median(client: Client, **given: Any) -> int:
    wait = estimate_wait(client, **given)
    assert wait.p50 is not None
    return wait.p50


def make_history(
    agent: Agent, *, minutes: float, times: int = pool.ENOUGH, topic: str = "card"
) -> None:
    """Make finished conversations of this length."""
    for _ in range(times):
        held = factories.make_assignment(ticket=factories.make_ticket(topic=topic), agent=agent)
        assignments.resolve(held, disposition="solved", at=clock.now())
        assignments.finish(held, at=clock.now())
        began = clock.now() - timedelta(hours=1)
        Assignment.objects.filter(pk=held.pk).update(
            started_at=began, ended_at=began + minutes * MINUTE,
            finished_at=began + minutes * MINUTE,
        )  # fmt: skip


def test_wait_without_agents_on_line_is_unknown(client: Client) -> None:
    factories.make_agent(available=False)

    assert estimate_wait(client) == Wait(unknown="nobody_on_line")


def test_agents_of_a_lower_level_count_after_the_promise(client: Client) -> None:
    factories.make_agent(skills={"cards": 2})
    wait = estimate_wait(client, skills={"cards": 2})[:2]

    assert estimate_wait(client, skills={"cards": 3})[:2] == tuple(30 + one for one in wait)
    assert estimate_wait(client, skills={"cards": 4})[:2] == tuple(60 + one for one in wait)
    assert (
        estimate_median(client, skills={"cards": 3}, queued_at=clock.now() - 9 * SECOND)
        == wait[0] + 21
    )
    assert estimate_wait(client, skills={"cards": 5}) == Wait(unknown="nobody_able")


def test_agents_without_a_skill_count_only_if_it_gives_way(client: Client) -> None:
    factories.make_agent()
    wait = estimate_wait(client)[:2]

    assert estimate_wait(client, skills={"cards": 1}) == Wait(unknown="nobody_able")
    found = estimate_wait(client, skills={"cards": 1}, gives_way=["cards"])[:2]
    assert found == tuple(60 + one for one in wait)


def test_wait_without_qualified_agents_is_unknown(client: Client) -> None:
    factories.make_agent(languages={"fr": 5})

    assert estimate_wait(client) == Wait(unknown="nobody_able")


@pytest.mark.parametrize("change", [{"status": "away"}, {"seen_at": "2020-01-01T00:00Z"}])
def test_away_and_silent_agents_do_not_count(client: Client, change: dict[str, str]) -> None:
    factories.make_agent()
    Presence.objects.update(**change)

    assert estimate_wait(client) == Wait(unknown="nobody_on_line")


def test_wait_without_a_rate_card_is_unknown(client: Client) -> None:
    factories.make_agent()

    assert estimate_wait(factories.make_client("poor")) == Wait(unknown="no_rate_card")


def test_wait_with_a_free_agent_is_the_time_to_accept(client: Client) -> None:
    factories.make_agent()

    half, most, _unknown = estimate_wait(client)

    assert half is not None
    assert most is not None
    assert 20 <= half <= 40
    assert 45 <= most <= 60


def test_wait_follows_how_fast_offers_were_answered(client: Client) -> None:
    agent = factories.make_agent()
    make_history(agent, minutes=5)
    Offer.objects.update(sent_at=clock.now() - 5 * MINUTE)
    Offer.objects.update(settled_at=clock.now() - 5 * MINUTE + timedelta(seconds=4))

    assert 4 <= estimate_median(client) <= 6


def test_clock_set_back_makes_no_wait_negative(client: Client) -> None:
    make_history(factories.make_agent(), minutes=-60)
    Offer.objects.update(sent_at=clock.now() + 30 * MINUTE)
    start_conversation(factories.make_agent(), since=-30 * MINUTE)

    wait = estimate_wait(client)

    assert wait.p50 is not None
    assert 0 <= wait.p50 <= (wait.p90 or 0)


def test_long_running_conversation_ends_sooner(client: Client) -> None:
    held = start_conversation(factories.make_agent())
    fresh = estimate_median(client)
    Assignment.objects.filter(pk=held.pk).update(started_at=clock.now() - 8 * MINUTE)

    assert estimate_median(client) < fresh


def test_wrap_up_is_nearly_over(client: Client) -> None:
    held = start_conversation(factories.make_agent())
    during = estimate_median(client)
    assignments.resolve(held, disposition="solved", at=clock.now())

    assert estimate_median(client) < min(during, 180)


def test_rate_card_gives_the_length_until_there_is_enough_history(client: Client) -> None:
    other = factories.make_client("slow")
    factories.make_card(other, expected_minutes=60)
    agent = factories.make_agent()
    factories.make_assignment(ticket=factories.make_ticket(other), agent=agent)

    assert estimate_median(client) > 20 * 60


def test_history_gives_the_length_of_conversations(client: Client) -> None:
    agent = factories.make_agent()
    make_history(agent, minutes=2)
    start_conversation(agent)

    assert estimate_median(client) < 3 * 60


def test_earlier_ticket_is_ahead(client: Client) -> None:
    start_conversation(factories.make_agent())
    alone = estimate_median(client)
    for _ in range(3):
        factories.make_ticket()

    assert estimate_median(client) > alone + 3 * 60


def test_later_tickets_do_not_count(client: Client) -> None:
    start_conversation(factories.make_agent())
    factories.make_ticket()
    last = estimate_median(client)

    assert estimate_median(client, urgency=2) < last


def test_tickets_for_other_agents_are_not_ahead(client: Client) -> None:
    start_conversation(factories.make_agent())
    alone = estimate_median(client)
    factories.make_agent("Léa", languages={"fr": 5}, skills={"cards": 3})
    for _ in range(3):
        factories.make_ticket(language="fr")

    assert estimate_median(client) == pytest.approx(alone, abs=60)


def test_ticket_with_a_pending_offer_waits_for_the_answer_only(client: Client) -> None:
    start_conversation(factories.make_agent("Bo"))
    ticket = factories.make_ticket()
    without_offer = estimate_median(client)
    factories.make_offer(ticket, factories.make_agent())
    estimator_cache.clear()
    ticket.refresh_from_db()

    wait = estimates.estimate(ticket, at=clock.now())

    assert wait.p50 is not None
    assert wait.p50 < 60 < without_offer


def test_capacity_held_by_an_offer_is_not_free(client: Client) -> None:
    factories.make_offer(agent=factories.make_agent())

    assert estimate_median(client) > 60


def test_wait_behind_a_very_long_queue_is_unknown(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    start_conversation(factories.make_agent())
    for _ in range(3):
        factories.make_ticket()
    monkeypatch.setattr(pool, "MAX_QUEUE", 3)

    assert estimate_wait(client) == Wait(unknown="long_queue")


def test_estimate_does_not_depend_on_which_agent_declined(client: Client) -> None:
    """Answers to offers are read for all agents together only."""
    willing, unwilling = factories.make_agent("Amina"), factories.make_agent("Bo")
    for _ in range(20):
        offers.decline(factories.make_offer(agent=unwilling), at=clock.now())
        held = factories.make_assignment(agent=willing)
        assignments.resolve(held, disposition="solved", at=clock.now())
        assignments.finish(held, at=clock.now())
    Ticket.objects.update(status="resolved", closed_at=clock.now())
    presence.go_away(unwilling, at=clock.now())
    only_willing = estimate_wait(client)
    presence.go_available(unwilling, at=clock.now())
    presence.go_away(willing, at=clock.now())

    assert estimate_wait(client) == only_willing
