"""The rules by which the benchmarks judge, without measurements."""

import pytest

from benchmarks import ladder, load
from benchmarks.charts import APART, spread_labels
from benchmarks.outcome import Outcome

STEADY: list[float | None] = [20.0] * 400


def make_outcome(waits: list[float | None], *, planned: int = 400, closed: int = 0) -> Outcome:
    return Outcome(100, waits, cpu_ms=800.0, planned=planned, closed=closed)


def test_a_step_whose_offers_all_come_in_time_is_sustained() -> None:
    assert make_outcome(STEADY).has_kept_up


def test_a_step_with_a_missing_offer_is_not_sustained() -> None:
    assert not make_outcome([*STEADY[1:], None]).has_kept_up


def test_an_aborted_step_is_not_sustained() -> None:
    assert not make_outcome(STEADY, planned=401).has_kept_up


def test_a_step_with_a_closed_connection_is_not_sustained() -> None:
    assert not make_outcome(STEADY, closed=1).has_kept_up


def test_a_step_with_two_in_a_hundred_over_a_second_is_not_sustained() -> None:
    assert not make_outcome([*STEADY[:200], *[1001.0] * 8, *STEADY[:192]]).has_kept_up


def test_a_step_with_a_growing_wait_is_not_sustained() -> None:
    assert not make_outcome([float(number) for number in range(400)]).has_kept_up


def test_cpu_is_divided_by_the_posts() -> None:
    assert make_outcome(STEADY).cpu_per_escalation == 2.0


@pytest.mark.parametrize("limit", [3, 5, 33, 250, 900])
@pytest.mark.parametrize("known", [0, 20])
def test_the_ladder_finds_the_highest_rung_that_holds(limit: int, known: int) -> None:
    known = known if known <= limit else 0

    found = ladder.find_highest(lambda rung: rung <= limit, rungs=ladder.RUNGS, known=known)

    assert found == max((rung for rung in ladder.RUNGS if rung <= limit), default=0)


def test_a_single_failure_of_a_rung_is_no_limit() -> None:
    tried: list[int] = []

    def hiccups(rung: int) -> bool:
        tried.append(rung)
        return rung <= 100 and tried.count(rung) > 1

    assert ladder.find_highest(hiccups, rungs=[50, 100, 150]) == 100


def test_a_seed_gives_the_same_stream_of_the_given_length() -> None:
    moments = load.draw_arrivals(100, 10, seed=1)

    assert moments == load.draw_arrivals(100, 10, seed=1) == sorted(moments)
    assert 800 < len(moments) < 1200
    assert moments[-1] < 10


def test_labels_at_the_ends_of_lines_do_not_overlap() -> None:
    placed = sorted(spread_labels({"product": 30.0, "naive": 28.0, "floor": 27.0}).values())

    assert placed == [27.0, 27.0 * APART, 27.0 * APART * APART]
