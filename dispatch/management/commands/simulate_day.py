"""`manage.py simulate_day`: plays a day under several ways of pairing and shows what came of it."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from dispatch import policies
from dispatch.management import bar
from dispatch.models import PolicyVersion
from dispatch.rules.policy import Policy
from dispatch.simulation import comparison, recorded
from dispatch.simulation.comparison import Drawn
from dispatch.simulation.measures import Measures
from dispatch.simulation.synthetic import SyntheticDay
from tickets import clock


@dataclass(frozen=True)
class Chosen:
    """One day to be played: how it is drawn and, if it was recorded, how it really went."""

    name: str
    drawn: Drawn
    as_it_was: Measures | None = None


class Command(BaseCommand):
    help = (
        "Plays a recorded or an invented day: what really happened, first come first served,"
        " ours, and ours were every agent able to do everything. Nothing is written but the chart."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--calls", type=Path, help="a file of recorded calls (CSV)")
        parser.add_argument("--date", help="this day of the file only, such as 1999-02-01")
        parser.add_argument("--contractors", type=_count, default=300, help="of an invented day")
        parser.add_argument("--load", type=_part, default=0.85, help="of an invented day")
        parser.add_argument(
            "--agents", type=_count, nargs="+", help="compare with so many agents of the day"
        )
        parser.add_argument("--seeds", type=_count, default=10, help="draws of each day")
        parser.add_argument("--first-seed", type=int, default=0)
        parser.add_argument("--policy", type=_count, help="version; the one in force if not said")
        parser.add_argument("--out", type=Path, help="where to draw the chart: .svg, .png or .pdf")
        parser.add_argument("--json", type=Path, help="where to write the figures")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["out"]:
            _check(options["out"])
        found = self._compared(_days(options), options)
        for name, rows in found.items():
            self.stdout.write(f"{name}, {options['seeds']} draws")
            self.stdout.write(comparison.table(rows))
        if options["json"]:
            figures = {
                day: {name: row.as_json() for name, row in rows.items()}
                for day, rows in found.items()
            }
            options["json"].write_text(json.dumps(figures, indent=2) + "\n")
        if options["out"]:
            _draw(found, options)
            self.stdout.write(f"drawn: {options['out']}")

    def _compared(
        self, days: list[Chosen], options: dict[str, Any]
    ) -> dict[str, dict[str, Measures]]:
        ways = comparison.strategies(_policy(options["policy"]))
        seeds = range(options["first_seed"], options["first_seed"] + options["seeds"])
        staffs: list[int | None] = options["agents"] or [None]
        total, done = len(days) * len(staffs) * len(seeds) * len(ways), 0

        def heard() -> None:
            nonlocal done
            done += 1
            bar.draw(self.stderr, done, of=total)

        found = {}
        for day in days:
            rows = {"as it was": day.as_it_was} if day.as_it_was else {}
            for staff in staffs:
                drawn = _staffed(day.drawn, staff)
                named = f", {staff} agents" if staff else ""
                played = comparison.compared(drawn, ways, seeds=seeds, heard=heard)
                rows |= {f"{name}{named}": row for name, row in played.items()}
            found[day.name] = rows
        return found


def _staffed(drawn: Drawn, staff: int | None) -> Drawn:
    if staff is None:
        return drawn
    return lambda seed: drawn(seed).with_staff(staff, seed=seed)


def _days(options: dict[str, Any]) -> list[Chosen]:
    """Raises CommandError for a file that can't be read and for a day it does not have."""
    if not options["calls"]:
        kind = SyntheticDay(agents=options["contractors"], load=options["load"])
        return [Chosen(f"invented day, {kind.agents} contractors", kind.drawn)]
    try:
        with options["calls"].open(newline="") as lines:
            found = recorded.days(recorded.read(lines))
    except (OSError, KeyError, ValueError, UnicodeDecodeError) as wrong:
        raise CommandError(f"{options['calls']} can't be read as calls: {wrong!r}") from wrong
    chosen = [day for day in found if options["date"] in (None, day.date)]
    if not chosen:
        raise CommandError("There is no such day in the file.")
    return [Chosen(day.date, day.drawn, day.as_it_was()) for day in chosen]


def _policy(version: int | None) -> Policy:
    if version is None:
        return policies.in_force(at=clock.now())
    try:
        return policies.numbered(version)
    except PolicyVersion.DoesNotExist as wrong:
        raise CommandError(f"There is no policy {version}.") from wrong


def _check(path: Path) -> None:
    from dispatch.simulation import charts

    try:
        charts.check(path)
    except ValueError as wrong:
        raise CommandError(f"{path} can't be drawn: {wrong}.") from wrong


def _draw(found: dict[str, dict[str, Measures]], options: dict[str, Any]) -> None:
    """Several days are drawn together."""
    from dispatch.simulation import charts

    days = list(found.values())
    rows = {name: Measures.together(day[name] for day in days) for name in days[0]}
    title = next(iter(found)) if len(found) == 1 else f"{len(found)} days together"
    note = f"Means of {options['seeds']} draws, the same luck for all."
    try:
        charts.comparison(rows, title=title, note=note, path=options["out"])
    except OSError as wrong:
        raise CommandError(f"{options['out']} can't be drawn: {wrong}") from wrong


def _number(kind: Callable[[str], Any], most: float) -> Callable[[str], Any]:
    def read(written: str) -> Any:
        try:
            found = kind(written)
        except ValueError as wrong:
            raise CommandError(f"{written} is no number.") from wrong
        if not 0 < found <= most:
            raise CommandError(f"{written} must be more than 0, at most {most:g}.")
        return found

    return read


_count = _number(int, 10_000)
_part = _number(float, 2)
