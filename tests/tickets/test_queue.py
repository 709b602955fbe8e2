"""The queue as a customer sees it."""

from datetime import datetime, timedelta

import pytest
from django.core.cache import cache

from tests import factories
from tickets import lifecycle, queue
from tickets.models import Ticket

pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)


def answered(at: datetime, *, after: int, language: str = "en") -> Ticket:
    """A ticket that waited this many seconds until `at`."""
    ticket = factories.make_ticket(language=language, at=at - after * SECOND)
    return lifecycle.begin(ticket, agent_name="Amina", at=at)


def test_whoever_came_first_is_next(noon: datetime) -> None:
    second = factories.make_ticket(at=noon)
    first = factories.make_ticket(at=noon - SECOND)

    assert (queue.position(first), queue.position(second)) == (1, 2)


def test_the_urgent_are_in_front(noon: datetime) -> None:
    waiting = factories.make_ticket(at=noon - SECOND)
    urgent = factories.make_ticket(urgency="high", at=noon)

    assert (queue.position(urgent), queue.position(waiting)) == (1, 2)


def test_other_languages_stand_in_another_line(noon: datetime) -> None:
    factories.make_ticket(language="fr", at=noon - SECOND)
    ticket = factories.make_ticket(at=noon)

    assert queue.position(ticket) == 1


def test_a_region_stands_in_the_line_of_its_language(noon: datetime) -> None:
    factories.make_ticket(language="fr-CA", at=noon - SECOND)
    ticket = factories.make_ticket(language="fr", at=noon)

    assert queue.position(ticket) == 2


def test_whoever_waits_no_more_has_no_place_and_no_wait(noon: datetime) -> None:
    ticket = answered(noon, after=5)

    assert (queue.position(ticket), queue.expected_wait(ticket, at=noon)) == (None, None)


def test_the_expected_wait_is_the_median_of_recent_ones(noon: datetime) -> None:
    for seconds in (10, 20, 90):
        answered(noon, after=seconds)
    ticket = factories.make_ticket(at=noon)

    assert queue.expected_wait(ticket, at=noon) == 20


def test_what_one_has_waited_already_is_taken_off(noon: datetime) -> None:
    answered(noon, after=20)
    ticket = factories.make_ticket(at=noon)

    assert queue.expected_wait(ticket, at=noon + 15 * SECOND) == 5
    assert queue.expected_wait(ticket, at=noon + 60 * SECOND) == 0


def test_waits_of_another_language_or_of_long_ago_tell_nothing(noon: datetime) -> None:
    answered(noon, after=20, language="fr")
    answered(noon - timedelta(hours=2), after=20)
    ticket = factories.make_ticket(at=noon)

    assert queue.expected_wait(ticket, at=noon) is None


def test_the_median_is_worked_out_once_for_all_who_ask(noon: datetime) -> None:
    ticket = factories.make_ticket(at=noon)
    queue.expected_wait(ticket, at=noon)

    answered(noon, after=20)

    assert queue.expected_wait(ticket, at=noon) is None
    cache.clear()
    assert queue.expected_wait(ticket, at=noon) == 20
