"""Real and synthetic days under each matching strategy, with the outcomes compared.

Every strategy gets the same callers and random draws, ten for each day. The policy is the code's
default. No database, no processes: only the pure rules.
"""

import argparse
import os
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmarks.report import OUT, write_figures
from dispatch.rules.policy import Policy
from dispatch.simulation import charts, comparison, recorded
from dispatch.simulation.comparison import BOUND, FIRST, LOWERED, OURS
from dispatch.simulation.measures import Measures
from dispatch.simulation.synthetic import SyntheticDay

DOCS = OUT.parent.parent / "docs"
FOLDER = Path(os.environ.get("SHARED_DATA") or OUT.parents[2] / "shared" / "data")
CALLS = FOLDER / "bank_calls_1999_02_01_14.csv"
REALLY = "as it was"
WIDTH = 40

Rows = dict[str, Measures]


def simulate_real(seeds: Iterable[int]) -> dict[str, Rows]:
    with CALLS.open(newline="") as lines:
        days = recorded.days(recorded.read(lines))
    ways, found = comparison.strategies(Policy(), lowers=False), {}
    for number, day in enumerate(days, start=1):
        rows = comparison.compared(day.drawn, ways, seeds=seeds)
        found[day.date] = {REALLY: day.as_it_was(), **rows}
        _show_progress(number, of=len(days))
    return found


def simulate_synthetic(seeds: Iterable[int], *, slower: float) -> dict[str, Rows]:
    ways, found, kind = comparison.strategies(Policy()), {}, SyntheticDay(slower=slower)
    numbers = list(seeds)
    for number, seed in enumerate(numbers, start=1):
        found[f"invented {seed}"] = comparison.compared(kind.drawn, ways, seeds=[seed])
        _show_progress(number, of=len(numbers))
    return found


def print_rows(title: str, rows: Rows) -> None:
    print(f"\n{title}\n{comparison.table(rows)}")
    for way in (LOWERED, OURS):
        if way in rows:
            print(
                f"  of the gap from {FIRST} to {BOUND}, {way} closes {list_closed_parts(rows, way)}"
            )


def list_closed_parts(rows: Rows, way: str) -> str:
    found = {
        name: comparison.closed(rows, measure, by=way)
        for measure, name in (("within_20s", "in 20 s"), ("abandoned", "left"))
    }
    return ", ".join(f"{part:.0%} ({name})" for name, part in found.items() if part is not None)


def summarise(days: dict[str, Rows], together: Rows) -> dict[str, Any]:
    named = {**days, "together": together}
    return {day: {name: row.as_json() for name, row in rows.items()} for day, rows in named.items()}


def draw_day(name: str, rows: Rows, *, title: str, note: str, docs: bool) -> None:
    OUT.mkdir(exist_ok=True)
    for ending in ("svg", "png"):
        charts.comparison(rows, title=title, note=note, path=OUT / f"{name}.{ending}")
    print(f"drawn: benchmarks/out/{name}.svg")
    if docs:
        shutil.copy(OUT / f"{name}.svg", DOCS / f"bench-{name}.svg")


def _show_progress(number: int, *, of: int) -> None:
    """Show a progress line; without a terminal, print nothing."""
    if sys.stderr.isatty():
        full = WIDTH * number // of
        ending = "\n" if number == of else ""
        line = f"\r{'█' * full}{'░' * (WIDTH - full)} {number}/{of}"
        print(line, end=ending, file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10, help="draws of each day")
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument(
        "--slower",
        type=float,
        default=1.0,
        help="factor on handle time of an agent with too low a level",
    )
    parser.add_argument("--docs", action="store_true", help="copy the charts into docs/")
    given = parser.parse_args()
    seeds = range(given.first_seed, given.first_seed + given.seeds)
    note = f"Means of {len(seeds)} draws of each day, the same luck for all."
    figures: dict[str, Any] = {"meta": {"seeds": list(seeds), "policy": Policy().as_json()}}
    if CALLS.exists():
        days = simulate_real(seeds)
        together = {
            name: Measures.together(day[name] for day in days.values())
            for name in next(iter(days.values()))
        }
        title = f"{len(days)} real days of a bank's call centre"
        print_rows(title, together)
        draw_day("days-real", together, title=title, note=note, docs=given.docs)
        figures["real"] = summarise(days, together)
    else:
        print(f"The real days are left out: there is no {CALLS.name} in SHARED_DATA.")
    made_up = simulate_synthetic(seeds, slower=given.slower)
    mean = {
        name: Measures.mean(day[name] for day in made_up.values())
        for name in next(iter(made_up.values()))
    }
    title = "An invented day: 300 contractors, 4 languages, 8 skills"
    print_rows(title, mean)
    draw_day("days-invented", mean, title=title, note=note, docs=given.docs)
    figures["invented"] = summarise(made_up, mean)
    write_figures("days", figures)


if __name__ == "__main__":
    main()
