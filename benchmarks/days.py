"""Real and synthetic days under each matching strategy, with the outcomes compared.

Every strategy gets the same callers and random draws, ten for each day, and lowers levels alike.
The policy is the code's default. No database, no processes: only the pure rules. The report adds
the bound of perfect foresight (`dispatch.simulation.foresight`).
"""

import argparse
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy

from benchmarks.report import OUT, write_figures
from dispatch.rules.policy import Policy
from dispatch.simulation import charts, comparison, recorded
from dispatch.simulation.comparison import BOUND, FIRST, OURS, TWO, DrawDay, Strategy
from dispatch.simulation.day import SimulatedDay
from dispatch.simulation.foresight import Foresight, foresee
from dispatch.simulation.measures import Measures
from dispatch.simulation.strategies import matching_rule
from dispatch.simulation.synthetic import SyntheticDay

DOCS = OUT.parent.parent / "docs"
FOLDER = Path(os.environ.get("SHARED_DATA") or OUT.parents[2] / "shared" / "data")
CALLS = FOLDER / "bank_calls_1999_02_01_14.csv"
REALLY = "as it was"
WIDTH = 40

#: On reluctant days so many more of a hundred pass, in every third hour of a topic.
RELUCTANT = 40

Rows = dict[str, Measures]


@dataclass(frozen=True)
class Figures:
    """The measures of some days under each strategy, and the bound of perfect foresight."""

    days: dict[str, Rows]
    together: Rows
    foresight: Foresight | None = None

    def as_json(self) -> dict[str, Any]:
        named = {**self.days, "together": self.together}
        found: dict[str, Any] = {
            day: {name: row.as_json() for name, row in rows.items()} for day, rows in named.items()
        }
        return found | ({"foresight": self.foresight._asdict()} if self.foresight else {})


def simulate_real(seeds: Sequence[int], *, silent: float) -> Figures:
    with CALLS.open(newline="") as lines:
        days = recorded.build_days(recorded.read_calls(lines))
    ways, found, seen = comparison.strategies(Policy()), {}, []
    for number, day in enumerate(days, start=1):
        drawn = with_silent(day.draw, silent)
        rows = comparison.compare(drawn, ways, seeds=seeds)
        found[day.date] = {REALLY: day.measure_recorded(), **rows}
        seen += [(foreseen(drawn(seed)), rows[OURS].callers) for seed in seeds]
        _show_progress(number, of=len(days))
    return Figures(found, _over(found, Measures.combine), mean(seen))


def simulate_synthetic(
    seeds: Sequence[int],
    ways: dict[str, Strategy],
    kind: SyntheticDay,
    *,
    silent: float,
    bound: bool,
) -> Figures:
    found, seen = {}, []
    drawn = with_silent(kind.draw, silent)
    for number, seed in enumerate(seeds, start=1):
        found[f"invented {seed}"] = comparison.compare(drawn, ways, seeds=[seed])
        seen += [(foreseen(drawn(seed)), 1.0)] if bound else []
        _show_progress(number, of=len(seeds))
    return Figures(found, _over(found, Measures.mean), mean(seen) if seen else None)


def with_silent(drawn: DrawDay, share: float) -> DrawDay:
    """The same draws with this share of callers who leave without a word."""
    return lambda seed: drawn(seed).with_silent(share, seed=seed)


def foreseen(day: SimulatedDay) -> Foresight:
    return foresee(day, matching_rule(Policy()))


def mean(seen: Sequence[tuple[Foresight, float]]) -> Foresight:
    """The mean foresight, with the weights of the measures."""
    weights = [weight for _, weight in seen]
    return Foresight(*numpy.average([tuple(one) for one, _ in seen], axis=0, weights=weights))


def _over(days: dict[str, Rows], mean_of: Callable[[Iterable[Measures]], Measures]) -> Rows:
    names = next(iter(days.values()))
    return {name: mean_of(day[name] for day in days.values()) for name in names}


def report(title: str, figures: Figures) -> None:
    rows = figures.together
    print(f"\n{title}\n{comparison.format_table(rows)}")
    for way in (OURS, TWO):
        if way in rows:
            print(
                f"  of the gap from {FIRST} to {BOUND}, {way} closes {list_closed_parts(rows, way)}"
            )
    if figures.foresight:
        most, least = figures.foresight
        print(f"  perfect foresight: at most {most:.1%} in 20 s, at least {least:.1%} left")
        parts = list_closed_parts(rows, OURS, figures.foresight._asdict())
        print(f"  of the gap from {FIRST} to foresight, {OURS} closes {parts}")


def list_closed_parts(rows: Rows, way: str, bounds: dict[str, float] | None = None) -> str:
    bounds = bounds or rows[BOUND].as_json()
    found = {
        name: comparison.gap_closed_to(rows, measure, bounds[measure], by=way)
        for measure, name in (("within_20s", "in 20 s"), ("abandoned", "left"))
    }
    return ", ".join(f"{part:.0%} ({name})" for name, part in found.items() if part is not None)


def draw_day(name: str, rows: Rows, *, title: str, note: str, docs: bool) -> None:
    OUT.mkdir(exist_ok=True)
    for ending in ("svg", "png"):
        charts.draw_comparison(rows, title=title, note=note, path=OUT / f"{name}.{ending}")
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


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10, help="draws of each day")
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument(
        "--slower",
        type=float,
        default=1.0,
        help="factor on handle time of an agent with too low a level",
    )
    parser.add_argument(
        "--silent", type=float, default=0.0, help="share of callers who leave without a word"
    )
    parser.add_argument("--docs", action="store_true", help="copy the charts into docs/")
    return parser.parse_args()


def main() -> None:
    given = _arguments()
    seeds = range(given.first_seed, given.first_seed + given.seeds)
    note = f"Means of {len(seeds)} draws of each day, the same luck for all."
    figures: dict[str, Any] = {"meta": {"seeds": list(seeds), "policy": Policy().as_json()}}
    if CALLS.exists():
        found = simulate_real(seeds, silent=given.silent)
        title = f"{len(found.days)} real days of a bank's call centre"
        report(title, found)
        draw_day("days-real", found.together, title=title, note=note, docs=given.docs)
        figures["real"] = found.as_json()
    else:
        print(f"The real days are left out: there is no {CALLS.name} in SHARED_DATA.")
    policy, kind = Policy(), SyntheticDay(slower=given.slower)
    ways = comparison.strategies_by_lowering(policy)
    found = simulate_synthetic(seeds, ways, kind, silent=given.silent, bound=True)
    title = "A synthetic day: 300 contractors, 4 languages, 8 skills"
    report(title, found)
    draw_day("days-invented", found.together, title=title, note=note, docs=given.docs)
    figures["invented"] = found.as_json()
    rivals, unwilling = comparison.strategies_with_rival(policy), replace(kind, reluctant=RELUCTANT)
    found = simulate_synthetic(seeds, rivals, unwilling, silent=given.silent, bound=False)
    report(f"The same, {RELUCTANT} more of a hundred passing in every third hour", found)
    figures["reluctant"] = found.as_json()
    write_figures("days", figures)


if __name__ == "__main__":
    main()
