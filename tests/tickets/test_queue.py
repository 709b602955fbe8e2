"""The queue as a customer sees it: position and expected wait."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from django.core.cache import cache

from dispatch import receivers
from tests import factories
from tickets import lifecycle, queue
from tickets.models import Ticket
from tickets.queue import Wait
from tickets.signals import wait_asked

pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)


@pytest.fixture
def without_estimates() -> Iterator[None]:
    """Disconnect dispatch, so that no receiver estimates the wait."""
    wait_asked.disconnect(receivers.estimate_wait)
    yield
    wait_asked.connect(receivers.estimate_wait)


def make_answered_ticket(at: datetime, *, after: int, language: str = "en") -> Ticket:
    """Make a ticket that waited this many seconds until `at`."""
    ticket = factories.make_ticket(language=language, at=at - after * SECOND)
    cache.clear()
    return lifecycle.begin(ticket, agent_name="Amina", at=at)


def test_the_oldest_ticket_is_next(noon: datetime) -> None:
    second = factories.make_ticket(at=noon)
    first = factories.make_ticket(at=noon - SECOND)

    assert (queue.get_position(first), queue.get_position(second)) == (1, 2)


def test_an_urgent_ticket_is_ahead(noon: datetime) -> None:
    waiting = factories.make_ticket(at=noon - SECOND)
    urgent = factories.make_ticket(urgency="high", at=noon)

    assert (queue.get_position(urgent), queue.get_position(waiting)) == (1, 2)


def test_tickets_of_another_language_are_not_counted(noon: datetime) -> None:
    factories.make_ticket(language="fr", at=noon - SECOND)
    ticket = factories.make_ticket(at=noon)

    assert queue.get_position(ticket) == 1


def test_a_regional_language_shares_the_queue_of_its_language(noon: datetime) -> None:
    factories.make_ticket(language="fr-CA", at=noon - SECOND)
    ticket = factories.make_ticket(language="fr", at=noon)

    assert queue.get_position(ticket) == 2


def test_a_ticket_that_is_not_queued_has_no_position_and_no_wait(noon: datetime) -> None:
    ticket = make_answered_ticket(noon, after=5)

    assert (queue.get_position(ticket), queue.estimate_wait(ticket, at=noon)) == (None, Wait())


def test_the_estimate_of_dispatch_is_used(noon: datetime) -> None:
    factories.make_card(valid_from=noon)
    factories.make_agent(at=noon)
    ticket = factories.make_ticket(at=noon)

    half, most, unknown = queue.estimate_wait(ticket, at=noon)

    assert half is not None
    assert most is not None
    assert 0 < half < most < 60
    assert unknown == ""


def test_the_quoted_wait_is_stored(noon: datetime) -> None:
    factories.make_card(valid_from=noon)
    factories.make_agent(at=noon)

    ticket = Ticket.objects.get(pk=factories.make_ticket(at=noon).pk)

    assert (ticket.quoted_p50_s, ticket.quoted_p90_s) == queue.estimate_wait(ticket, at=noon)[:2]


def test_a_closed_client_has_no_estimate(noon: datetime) -> None:
    """Noon is a Sunday."""
    client = factories.make_client(
        opening_hours={"mon": [["09:00", "17:00"]]}, time_zone="Europe/Paris"
    )
    factories.make_card(client, valid_from=noon)
    factories.make_agent(at=noon)
    ticket = factories.make_ticket(client, at=noon)

    assert queue.estimate_wait(ticket, at=noon) == Wait(unknown="closed")
    assert queue.get_opening(ticket, at=noon) == noon + timedelta(hours=20)
    assert (ticket.quoted_p50_s, ticket.quoted_p90_s) == (None, None)


@pytest.mark.usefixtures("without_estimates")
def test_the_estimate_without_dispatch_is_the_median_of_recent_waits(noon: datetime) -> None:
    for seconds in (10, 20, 90):
        make_answered_ticket(noon, after=seconds)
    ticket = factories.make_ticket(at=noon)

    assert queue.estimate_wait(ticket, at=noon) == Wait(p50=20)


def test_a_failed_estimate_does_not_stop_an_escalation(noon: datetime) -> None:
    def broken(**_: object) -> None:
        raise ZeroDivisionError

    wait_asked.disconnect(receivers.estimate_wait)
    wait_asked.connect(broken, weak=False)
    try:
        ticket = factories.make_ticket(at=noon)
    finally:
        wait_asked.disconnect(broken)
        wait_asked.connect(receivers.estimate_wait)

    assert ticket.quoted_p50_s is None


@pytest.mark.usefixtures("without_estimates")
def test_the_time_already_waited_is_subtracted(noon: datetime) -> None:
    make_answered_ticket(noon, after=20)
    ticket = factories.make_ticket(at=noon)

    assert queue.estimate_wait(ticket, at=noon + 15 * SECOND).p50 == 5
    assert queue.estimate_wait(ticket, at=noon + 60 * SECOND).p50 == 0


@pytest.mark.usefixtures("without_estimates")
def test_waits_of_another_language_and_old_waits_are_ignored(noon: datetime) -> None:
    make_answered_ticket(noon, after=20, language="fr")
    make_answered_ticket(noon - timedelta(hours=2), after=20)
    ticket = factories.make_ticket(at=noon)

    assert queue.estimate_wait(ticket, at=noon) == Wait(unknown="no_waits_known")


@pytest.mark.usefixtures("without_estimates")
def test_the_median_is_cached(noon: datetime) -> None:
    ticket = factories.make_ticket(at=noon)
    queue.estimate_wait(ticket, at=noon)

    lifecycle.begin(factories.make_ticket(at=noon - 20 * SECOND), agent_name="Bo", at=noon)

    assert queue.estimate_wait(ticket, at=noon).p50 is None
    cache.clear()
    assert queue.estimate_wait(ticket, at=noon).p50 == 20
