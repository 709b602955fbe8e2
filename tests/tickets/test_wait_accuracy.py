"""The waits that were told, held against the waits that came."""

from datetime import datetime, timedelta

import pytest

from tests import factories
from tickets import lifecycle, wait_accuracy
from tickets.models import Ticket
from tickets.wait_accuracy import QuantileHits

pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)


def told(
    noon: datetime, *, half: int | None = 10, most: int | None = 60, **given: object
) -> Ticket:
    """A ticket that has waited since noon, told these waits."""
    ticket = factories.make_ticket(at=noon, **given)
    Ticket.objects.filter(pk=ticket.pk).update(quoted_p50_s=half, quoted_p90_s=most)
    return ticket


def answered(noon: datetime, *, after: int, **given: object) -> None:
    lifecycle.begin(told(noon, **given), agent_name="Amina", at=noon + after * SECOND)


def tally(noon: datetime, days: int = 30) -> wait_accuracy.WaitTally:
    return wait_accuracy.sum_rows(
        wait_accuracy.read_days(at=noon + timedelta(minutes=10), days=days)
    )


def test_who_was_answered_within_what_was_told_had_a_wait_that_held(noon: datetime) -> None:
    for after in (5, 10, 30, 60, 61):
        answered(noon, after=after)

    assert tally(noon) == (QuantileHits(2, 3), QuantileHits(4, 1), 0)


def test_who_was_told_nobody_is_available_after_it_was_told_in_vain(noon: datetime) -> None:
    lifecycle.give_up(told(noon), at=noon + 180 * SECOND)

    assert tally(noon).p90 == QuantileHits(missed=1)


def test_who_was_told_or_left_before_is_left_out(noon: datetime) -> None:
    lifecycle.give_up(told(noon), at=noon + 59 * SECOND)
    lifecycle.abandon(told(noon), reason="left", at=noon + 20 * SECOND)

    assert tally(noon).p90 == QuantileHits(left_out=2)
    assert tally(noon).p50 == QuantileHits(missed=2)


def test_who_left_after_it_had_waited_longer_than_was_told(noon: datetime) -> None:
    lifecycle.abandon(told(noon), reason="left", at=noon + 90 * SECOND)

    assert tally(noon).p90 == QuantileHits(missed=1)


def test_the_first_answer_counts_though_the_agent_was_lost(noon: datetime) -> None:
    ticket = lifecycle.begin(told(noon), agent_name="Amina", at=noon + 5 * SECOND)
    lifecycle.requeue(ticket, reason="agent_lost", at=noon + 200 * SECOND)

    assert tally(noon).p90 == QuantileHits(within=1)


def test_who_was_told_nothing_is_counted_apart(noon: datetime) -> None:
    answered(noon, after=5, half=None, most=None)

    assert tally(noon) == (QuantileHits(), QuantileHits(), 1)


def test_who_still_waits_is_not_judged_yet(noon: datetime) -> None:
    told(noon)

    assert wait_accuracy.read_days(at=noon + timedelta(hours=1), days=30) == []


def test_each_day_and_language_is_apart_and_old_ones_are_gone(noon: datetime) -> None:
    day = timedelta(days=1)
    answered(noon, after=5)
    answered(noon, after=5, language="fr")
    answered(noon - day, after=5)
    answered(noon - 7 * day, after=5)

    rows = wait_accuracy.read_days(at=noon, days=7)

    assert [(row.day, row.language) for row in rows] == [
        ((noon - day).date(), "en"),
        (noon.date(), "en"),
        (noon.date(), "fr"),
    ]


def test_with_nothing_to_judge_by_there_is_no_share() -> None:
    assert (QuantileHits().share, QuantileHits(9, 1).share) == (None, 0.9)
