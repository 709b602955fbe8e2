"""Days built from recorded calls: shifts, queued callers and their patience."""

import io
import os
from collections import Counter
from math import inf
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from dispatch.simulation import recorded
from dispatch.simulation.day import Shift
from dispatch.simulation.patience import Patience

FOLDER = Path(os.environ.get("SHARED_DATA") or Path(__file__).parents[3] / "shared" / "data")
CALLS = FOLDER.resolve() / "bank_calls_1999_02_01_14.csv"
HEADING = "date,arrival_s,customer,priority,type,queue_s,outcome,service_s,agent"
#: A1 takes two calls, has a break of more than a quarter of an hour, and takes one more.
MORNING = """
1999-02-01,100,,0,PS,0,abandoned,0,
1999-02-01,200,,0,PS,0,served,60,A1
1999-02-01,230,,0,NE,40,served,100,A1
1999-02-01,240,,2,PS,30,abandoned,0,
1999-02-01,1000,,0,PS,20,abandoned,0,
1999-02-01,2000,,0,PS,0,served,50,A1
"""


def read_rows(rows: str) -> list[recorded.Call]:
    return recorded.read_calls(io.StringIO(HEADING + rows))


def read_morning() -> recorded.Recording:
    [day] = recorded.build_days(read_rows(MORNING))
    return day


@pytest.fixture(scope="module")
def calls() -> list[recorded.Call]:
    if not CALLS.exists():
        pytest.skip(f"there is no {CALLS.name}; SHARED_DATA says where the folder is")
    with CALLS.open(newline="") as lines:
        return recorded.read_calls(lines)


def test_the_file_of_recorded_calls_is_read_completely(calls: list[recorded.Call]) -> None:
    first = [call for call in calls if call.date == "1999-02-01"]

    assert Counter(call.served for call in calls) == {True: 14_405, False: 2_908}
    assert Counter(call.served for call in first) == {True: 1_354, False: 197}
    assert sum(call.served and not call.agent for call in calls) == 275


def test_each_of_the_fourteen_days_can_be_drawn(calls: list[recorded.Call]) -> None:
    days = recorded.build_days(calls)

    assert len(days) == 14
    for day in days:
        assert len(day.draw(1).callers) == len(day.queued) > 100
        assert day.measure_recorded().abandoned < 0.3


def test_shifts_run_from_the_first_call_to_the_last_without_breaks() -> None:
    [worker] = read_morning().workers

    assert worker.spans == (Shift(200, 370), Shift(2000, 2050))
    assert worker.profile.skills == {"PS": 5, "NE": 5}


def test_a_gap_of_a_quarter_of_an_hour_does_not_end_a_shift() -> None:
    [day] = recorded.build_days(
        read_rows("\nd,0,,0,PS,0,served,100,A1\nd,1000,,0,PS,0,served,1,A1\n")
    )

    assert [worker.spans for worker in day.workers] == [(Shift(0, 1001),)]


def test_calls_ended_in_the_menu_or_without_agents_are_left_out() -> None:
    assert [call.arrives for call in read_morning().queued] == [200, 230, 240, 2000]


def test_a_recorded_day_has_the_same_measures() -> None:
    found = read_morning().measure_recorded()

    assert (found.callers, found.within_20s, found.abandoned) == (4, 0.5, 0.25)
    assert found.mean_wait_s == (40 + 30) / 4
    assert found.occupancy == 210 / 220


def test_recorded_durations_are_kept_and_missing_ones_drawn_by_kind() -> None:
    day = read_morning().draw(7)

    assert [caller.talks for caller in day.callers if caller.arrives != 240] == [60, 100, 50]
    assert {caller.talks for caller in day.callers if caller.arrives == 240} <= {60, 50}


def test_the_same_seed_draws_the_same_callers() -> None:
    first, again, other = (read_morning().draw(seed) for seed in (1, 1, 2))

    assert first.callers == again.callers
    assert first.callers != other.callers


def test_patience_equals_the_textbook_kaplan_meier_estimate() -> None:
    """The example of 6-MP and leukaemia (Freireich 1963), which every textbook uses."""
    left = [6, 6, 6, 7, 10, 13, 16, 22, 23]
    answered = [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]

    found = Patience.estimate(left=left, answered=answered)

    assert found.seconds == (6, 7, 10, 13, 16, 22, 23)
    assert found.left == pytest.approx(
        (0.8571, 0.8067, 0.7529, 0.6902, 0.6275, 0.5378, 0.4482), abs=1e-4
    )


@pytest.mark.parametrize(
    ("chance", "seconds"), [(0.0, 10), (0.49, 10), (0.51, 30), (0.74, 30), (0.76, inf)]
)
def test_patience_is_drawn_from_the_survival_function(chance: float, seconds: float) -> None:
    assert Patience((10.0, 30.0), (0.5, 0.25)).quantile(chance) == seconds


def test_without_abandonment_patience_is_infinite() -> None:
    assert Patience.estimate(left=[], answered=[1, 2]).quantile(0.99) == inf


def call_simulate_day(*given: str, **also: Any) -> str:
    output = io.StringIO()
    call_command("simulate_day", *given, stdout=output, **also)
    return output.getvalue()


@pytest.mark.django_db
def test_a_file_is_simulated_and_drawn_as_a_chart(tmp_path: Path) -> None:
    file, chart, figures = tmp_path / "calls.csv", tmp_path / "day.svg", tmp_path / "day.json"
    file.write_text(HEADING + MORNING)

    output = call_simulate_day(
        "--calls", str(file), "--seeds", "2", "--out", str(chart), "--json", str(figures)
    )

    lines = output.splitlines()
    assert lines[0] == "1999-02-01, 2 draws"
    assert [line.split("  ")[0] for line in lines[2:6]] == [
        "as it was", "first come", "ours", "all able",
    ]  # fmt: skip
    assert "<svg" in chart.read_text()
    assert '"within_20s"' in figures.read_text()


@pytest.mark.django_db
def test_numbers_of_agents_are_compared() -> None:
    output = call_simulate_day("--contractors", "12", "--seeds", "1", "--agents", "6", "12")

    assert "ours, 6 agents" in output
    assert "ours, 12 agents" in output


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        (["--calls", "nowhere.csv"], "can't be read"),
        (["--contractors", "0"], "from 1 to 10000"),
        (["--policy", "999"], "no policy 999"),
        (["--out", "day.xyz"], "can't be drawn: end it with one of"),
        (["--out", "nowhere/day.svg"], "can't be drawn: there is no folder nowhere"),
    ],
)
def test_invalid_arguments_are_refused_with_a_reason(given: list[str], wrong: str) -> None:
    with pytest.raises(CommandError, match=wrong):
        call_simulate_day(*given)


@pytest.mark.django_db
def test_a_terminal_shows_a_full_progress_bar() -> None:
    terminal = io.StringIO()
    terminal.isatty = lambda: True  # type: ignore[method-assign]

    call_simulate_day("--contractors", "6", "--seeds", "1", stderr=terminal)

    assert "█" * 40 + " 3/3" in terminal.getvalue()
