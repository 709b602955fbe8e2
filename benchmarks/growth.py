"""Waves on a growing pool and queue: the time of a match with ten times the agents, and with a
thousand times the waiting tickets.

`waves.run` runs in this process on a real PostgreSQL, as the matcher calls it, with pay, reasons
and rate cards. Eight languages and twelve skills make about a hundred lanes. After every wave new
tickets fill the queue, so that the number waiting stays as stated. In every round each size takes
its turn on a fresh copy of its database. `python -m benchmarks.growth --agents 1000 10000 --waiting
10 10000`
"""

import argparse
import os
import time
from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from random import Random
from statistics import median
from typing import Any, NamedTuple

import django

from benchmarks import charts, databases, report
from tests import platform as platforms
from tests import servers

LANGUAGES = ("en", "fr", "sv", "de", "es", "it", "nl", "pl")
SKILLS = ("cards", "loans", "fraud", "travel", "refunds", "billing", "delivery", "returns",
          "accounts", "devices", "network", "claims")  # fmt: skip
#: Enough capacity for all matches of one turn.
CAPACITY = 4
#: The first waves open connections and fill plans and caches, so they do not count.
WARM_UP = 6
#: A turn ends after this many matches or waves.
MATCHES, WAVES = 1000, 50


# No page sends heartbeats here, and on a busy machine a turn may last longer than SILENCE.
HEARD = "UPDATE agents_presence SET seen_at = clock_timestamp() + interval '1 hour'"


class Size(NamedTuple):
    """The number of free agents, and the number of waiting tickets."""

    agents: int
    waiting: int

    def __str__(self) -> str:
        return f"{self.agents}x{self.waiting}"

    @property
    def database(self) -> str:
        return f"growth_{self}"


class Turn(NamedTuple):
    """The times of one size in one round, in ms."""

    per_match: float
    per_wave: float
    matches_per_wave: float


def prepare(pool: int, lines: Sequence[int]) -> list[Size]:
    """Create the databases to copy: the same agents, and a queue of each length."""
    databases.prepare(f"pool_{pool}", partial(fill, pool))
    sizes = [Size(pool, waiting) for waiting in lines]
    for size in sizes:
        databases.create(size.database, like=f"pool_{pool}")
        databases.use_database(size.database)
        fill_queue(size.waiting, chance=Random(str(size)))
        databases.use_database("postgres")
        databases.run_statements(size.database, "VACUUM ANALYZE")
    return sizes


def fill(pool: int) -> None:
    """Create agents, and a client with a rate card."""
    from benchmarks import crowd
    from tests import factories

    factories.make_card(factories.make_client("bench"))
    crowd.make_agents(pool, languages=LANGUAGES, skills=SKILLS, capacity=CAPACITY)


def fill_queue(count: int, *, chance: Random) -> None:
    from benchmarks import crowd
    from tests import factories
    from tickets import clock

    crowd.make_tickets(
        factories.get_client(), count,
        languages=LANGUAGES, skills=SKILLS, at=clock.now(), chance=chance,
    )  # fmt: skip


def take_turn(size: Size, *, seed: int) -> Turn:
    """Run waves on a fresh copy and refill the queue after each; only the waves are timed.

    Raises RuntimeError if a wave matches nothing, because the times would then mean something else.
    """
    databases.create("growth", like=size.database)
    databases.run_statements("growth", HEARD, "VACUUM ANALYZE")
    databases.use_database("growth")
    chance = Random(f"{size}:{seed}")
    took: list[float] = []
    matched = 0
    for number in range(WARM_UP + WAVES):
        seconds, made = time_wave()
        if not made:
            raise RuntimeError(f"{size}: wave {number} matched no ticket of {size.waiting} waiting")
        fill_queue(made, chance=chance)
        if number >= WARM_UP:
            took.append(seconds * 1000)
            matched += made
        if matched >= MATCHES:
            break
    return Turn(sum(took) / matched, median(took), matched / len(took))


def time_wave() -> tuple[float, int]:
    from dispatch.waves import wave
    from tickets import clock

    at = clock.now()
    began = time.perf_counter()
    made = wave.run(at=at)
    return time.perf_counter() - began, made


def main() -> None:
    given = parse_arguments()
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    os.environ["SECRET_KEY"] = platforms.SECRET
    turns: defaultdict[Size, list[Turn]] = defaultdict(list)
    with servers.run_servers(forgetful=False):
        django.setup()
        sizes = [size for pool in given.agents for size in prepare(pool, given.waiting)]
        machine = report.describe_machine()
        for number in range(given.rounds):
            for size in sizes:
                turns[size].append(take_turn(size, seed=number))
        databases.use_database("postgres")
    figures = gather_medians(turns) | {"meta": {**machine, "rounds": given.rounds}}
    print(format_table(figures, rounds=given.rounds))
    report.write_figures("growth", figures)
    charts.draw_growth(figures, docs=given.docs)


def gather_medians(turns: dict[Size, list[Turn]]) -> dict[str, Any]:
    """The medians over the rounds, by size."""
    return {
        name: {str(size): round(median(getattr(turn, of) for turn in rounds), 3)
               for size, rounds in turns.items()}
        for name, of in (
            ("ms_per_match", "per_match"),
            ("ms_per_wave", "per_wave"),
            ("matches_per_wave", "matches_per_wave"),
        )
    }  # fmt: skip


def format_table(figures: dict[str, Any], *, rounds: int) -> str:
    lines = ["", f"Waves, medians of {rounds} rounds"]
    lines += ["  agents x waiting   ms a match   ms a wave   matches a wave"]
    for size, per_match in figures["ms_per_match"].items():
        per_wave, made = figures["ms_per_wave"][size], figures["matches_per_wave"][size]
        lines.append(f"  {size:<17}{per_match:>12.2f}{per_wave:>12.1f}{made:>17.1f}")
    return "\n".join(lines)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--agents", type=int, nargs="+", default=[1000, 10_000])
    parser.add_argument("--waiting", type=int, nargs="+", default=[10, 10_000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--docs", action="store_true", help="copy the chart into docs/")
    return parser.parse_args()


if __name__ == "__main__":
    main()
