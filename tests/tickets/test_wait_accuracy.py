"""Quoted waits compared with the real ones."""

from datetime import datetime, timedelta

import pytest

from tests import factories
from tickets import lifecycle, wait_accuracy
from tickets.models import Ticket
from tickets.wait_accuracy import QuantileHits

pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)


def make_quoted_ticket(
    noon: datetime, *, half: int | None = 10, most: int | None = 60, **given: object
) -> Ticket:
    """Make a ticket that has waited since noon, with these quoted waits."""
    ticket = factories.make_ticket(at=noon, **given)
    Ticket.objects.filter(pk=ticket.pk).update(quoted_p50_s=half, quoted_p90_s=most)
    return ticket


def make_answered_ticket(noon: datetime, *, after: int, **given: object) -> None:
    lifecycle.begin(make_quoted_ticket(noon, **given), agent_name="Amina", at=noon + after * SECOND)


def read_tally(noon: datetime, days: int = 30) -> wait_accuracy.WaitTally:
    return wait_accuracy.sum_rows(
        wait_accuracy.read_days(at=noon + timedelta(minutes=10), days=days)
    )


def test_a_quoted_wait_held_if_the_ticket_was_answered_within_it(noon: datetime) -> None:
    for after in (5, 10, 30, 60, 61):
        make_answered_ticket(noon, after=after)

    assert read_tally(noon) == (QuantileHits(2, 3), QuantileHits(4, 1), 0)


def test_a_quoted_wait_is_missed_if_the_ticket_became_unavailable_after_it(noon: datetime) -> None:
    lifecycle.give_up(make_quoted_ticket(noon), at=noon + 180 * SECOND)

    assert read_tally(noon).p90 == QuantileHits(missed=1)


def test_a_ticket_that_ended_before_its_quoted_wait_is_left_out(noon: datetime) -> None:
    lifecycle.give_up(make_quoted_ticket(noon), at=noon + 59 * SECOND)
    lifecycle.abandon(make_quoted_ticket(noon), reason="left", at=noon + 20 * SECOND)

    assert read_tally(noon).p90 == QuantileHits(left_out=2)
    assert read_tally(noon).p50 == QuantileHits(missed=2)


def test_a_quoted_wait_is_missed_if_the_customer_left_after_it(noon: datetime) -> None:
    lifecycle.abandon(make_quoted_ticket(noon), reason="left", at=noon + 90 * SECOND)

    assert read_tally(noon).p90 == QuantileHits(missed=1)


def test_the_first_answer_counts_after_a_requeue(noon: datetime) -> None:
    ticket = lifecycle.begin(make_quoted_ticket(noon), agent_name="Amina", at=noon + 5 * SECOND)
    lifecycle.requeue(ticket, reason="agent_lost", at=noon + 200 * SECOND)

    assert read_tally(noon).p90 == QuantileHits(within=1)


def test_a_ticket_without_a_quoted_wait_is_counted_apart(noon: datetime) -> None:
    make_answered_ticket(noon, after=5, half=None, most=None)

    assert read_tally(noon) == (QuantileHits(), QuantileHits(), 1)


def test_a_queued_ticket_is_not_counted(noon: datetime) -> None:
    make_quoted_ticket(noon)

    assert wait_accuracy.read_days(at=noon + timedelta(hours=1), days=30) == []


def test_days_and_languages_are_counted_apart_and_old_days_dropped(noon: datetime) -> None:
    day = timedelta(days=1)
    make_answered_ticket(noon, after=5)
    make_answered_ticket(noon, after=5, language="fr")
    make_answered_ticket(noon - day, after=5)
    make_answered_ticket(noon - 7 * day, after=5)

    rows = wait_accuracy.read_days(at=noon, days=7)

    assert [(row.day, row.language) for row in rows] == [
        ((noon - day).date(), "en"),
        (noon.date(), "en"),
        (noon.date(), "fr"),
    ]


def test_the_share_without_data_is_none() -> None:
    assert (QuantileHits().share, QuantileHits(9, 1).share) == (None, 0.9)
