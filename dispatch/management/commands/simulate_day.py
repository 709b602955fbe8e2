"""`manage.py simulate_day`: simulates a day under several strategies and compares the results."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from dispatch import policies
from dispatch.management import bar
from dispatch.management.arguments import number
from dispatch.models import PolicyVersion
from dispatch.rules.policy import Policy
from dispatch.simulation import comparison, recorded
from dispatch.simulation.comparison import DrawDay
from dispatch.simulation.measures import Measures
from dispatch.simulation.synthetic import SyntheticDay
from tickets import clock


@dataclass(frozen=True)
class ChosenDay:
    """A day to simulate: how it is drawn and, if it was recorded, its real measures."""

    name: str
    draw_day: DrawDay
    as_it_was: Measures | None = None


COUNT = number(int, least=1, most=10_000)
SHARE = number(float, least=0.01, most=2)


class Command(BaseCommand):
    help = (
        "Simulates a recorded or a synthetic day and compares what really happened, first come"
        " first served, our matching, and first come with every agent able to do everything."
        " It writes no rows, only the chart and the figures."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--calls", type=Path, help="a file of recorded calls (CSV)")
        parser.add_argument("--date", help="this day of the file only, such as 1999-02-01")
        parser.add_argument(
            "--contractors",
            type=COUNT,
            default=300,
            help="of a synthetic day",
        )
        parser.add_argument(
            "--load",
            type=SHARE,
            default=0.85,
            help="of a synthetic day",
        )
        parser.add_argument(
            "--agents",
            type=COUNT,
            nargs="+",
            help="compare these numbers of agents of the day",
        )
        parser.add_argument(
            "--seeds",
            type=COUNT,
            default=10,
            help="random draws of each day",
        )
        parser.add_argument("--first-seed", type=number(int, least=0), default=0)
        parser.add_argument(
            "--policy",
            type=COUNT,
            help="version (default: the one in force)",
        )
        parser.add_argument("--out", type=Path, help="where to draw the chart: .svg, .png or .pdf")
        parser.add_argument("--json", type=Path, help="where to write the figures")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["out"]:
            _check_path(options["out"])
        found = self._compare(_build_days(options), options)
        for name, rows in found.items():
            self.stdout.write(f"{name}, {options['seeds']} draws")
            self.stdout.write(comparison.format_table(rows))
        if options["json"]:
            figures = {
                day: {name: row.as_json() for name, row in rows.items()}
                for day, rows in found.items()
            }
            options["json"].write_text(json.dumps(figures, indent=2) + "\n")
        if options["out"]:
            _draw(found, options)
            self.stdout.write(f"drawn: {options['out']}")

    def _compare(
        self, days: list[ChosenDay], options: dict[str, Any]
    ) -> dict[str, dict[str, Measures]]:
        strategies = comparison.strategies(_read_policy(options["policy"]))
        seeds = range(options["first_seed"], options["first_seed"] + options["seeds"])
        staffs: list[int | None] = options["agents"] or [None]
        total, done = len(days) * len(staffs) * len(seeds) * len(strategies), 0

        def draw_progress() -> None:
            nonlocal done
            done += 1
            bar.draw(self.stderr, done, of=total)

        found = {}
        for day in days:
            rows = {"as it was": day.as_it_was} if day.as_it_was else {}
            for staff in staffs:
                draw_day = _with_staff(day.draw_day, staff)
                named = f", {staff} agents" if staff else ""
                compared = comparison.compare(
                    draw_day, strategies, seeds=seeds, after_each=draw_progress
                )
                rows |= {f"{name}{named}": row for name, row in compared.items()}
            found[day.name] = rows
        return found


def _with_staff(draw_day: DrawDay, staff: int | None) -> DrawDay:
    if staff is None:
        return draw_day
    return lambda seed: draw_day(seed).with_staff(staff, seed=seed)


def _build_days(options: dict[str, Any]) -> list[ChosenDay]:
    """The days to simulate. Raises CommandError for an unreadable file and for a missing day."""
    if not options["calls"]:
        kind = SyntheticDay(agents=options["contractors"], load=options["load"])
        return [ChosenDay(f"synthetic day, {kind.agents} contractors", kind.draw)]
    try:
        with options["calls"].open(newline="") as lines:
            found = recorded.build_days(recorded.read_calls(lines))
    except (OSError, KeyError, ValueError, UnicodeDecodeError) as wrong:
        raise CommandError(f"{options['calls']} can't be read as calls: {wrong!r}") from wrong
    chosen = [day for day in found if options["date"] in (None, day.date)]
    if not chosen:
        raise CommandError(f"The file has no day {options['date']}.")
    return [ChosenDay(day.date, day.draw, day.measure_recorded()) for day in chosen]


def _read_policy(version: int | None) -> Policy:
    if version is None:
        return policies.read_in_force(at=clock.now())
    try:
        return policies.read_version(version)
    except PolicyVersion.DoesNotExist as wrong:
        raise CommandError(f"There is no policy {version}.") from wrong


def _check_path(path: Path) -> None:
    from dispatch.simulation import charts

    try:
        charts.check_path(path)
    except ValueError as wrong:
        raise CommandError(f"{path} can't be drawn: {wrong}.") from wrong


def _draw(found: dict[str, dict[str, Measures]], options: dict[str, Any]) -> None:
    """Draw the chart; several days are combined."""
    from dispatch.simulation import charts

    days = list(found.values())
    rows = {name: Measures.combine(day[name] for day in days) for name in days[0]}
    title = next(iter(found)) if len(found) == 1 else f"{len(found)} days together"
    note = f"Means of {options['seeds']} draws, the same random draws for all."
    try:
        charts.draw_comparison(rows, title=title, note=note, path=options["out"])
    except OSError as wrong:
        raise CommandError(f"{options['out']} can't be drawn: {wrong}") from wrong
