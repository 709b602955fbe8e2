"""From a bot's POST to the offer's frame at an agent: how long, at which rate, at what cost.

Real processes and real sockets; a Poisson stream that doesn't wait. The product and its rival take
turns, each round on a fresh database; figures are medians over the rounds.
`python -m benchmarks.live_path --agents 1000 --rates 20 100 --rounds 3`
"""

import argparse
import asyncio
import json
import os
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import django

from benchmarks import load, systems
from benchmarks.load import Outcome
from benchmarks.systems import System
from tests import platform as platforms
from tests import servers

Start = Callable[[int], AbstractContextManager[System]]


def measure(start: Start, given: argparse.Namespace, rates: list[float]) -> list[dict[str, float]]:
    with start(given.agents) as system:
        outcomes = asyncio.run(
            load.run(system.target, rates=rates, seconds=given.seconds, roots=system.roots)
        )
    return [{"rate": one.rate, **resolved(start, one).summary()} for one in outcomes]


def resolved(start: Start, outcome: Outcome) -> Outcome:
    """The product's frames name offers; which tickets they are for the database knows."""
    if start is systems.product:
        from dispatch.models import Offer

        made = Offer.objects.filter(pk__in=list(outcome.frames)).values_list("ticket_id", "pk")
        outcome.frames = {str(ticket): outcome.frames[str(offer)] for ticket, offer in made}
    return outcome


def medians(rounds: list[list[dict[str, float]]]) -> Iterator[dict[str, float]]:
    """One row a rate: the median of each figure over the rounds."""
    by_rate: defaultdict[float, list[dict[str, float]]] = defaultdict(list)
    for rows in rounds:
        for row in rows:
            by_rate[row["rate"]].append(row)
    for rate, rows in by_rate.items():
        yield {"rate": rate} | {
            name: statistics.median(row[name] for row in rows) for name in rows[0] if name != "rate"
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--agents", type=int, default=1000)
    parser.add_argument("--rates", type=float, nargs="+", default=[20.0, 100.0])
    parser.add_argument("--rival-rates", type=float, nargs="*", default=[20.0])
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    os.environ["SECRET_KEY"] = platforms.SECRET
    taken: dict[str, list[list[dict[str, float]]]] = {"product": [], "naive": []}
    with servers.running():
        django.setup()
        for _ in range(given.rounds):
            taken["product"].append(measure(systems.product, given, given.rates))
            if given.rival_rates:
                taken["naive"].append(measure(systems.naive, given, given.rival_rates))
    report({name: list(medians(rounds)) for name, rounds in taken.items()}, given)


def report(figures: dict[str, Any], given: argparse.Namespace) -> None:
    print(f"{given.agents} agents, {given.seconds:g} s a step, median of {given.rounds} rounds")
    for name, rows in figures.items():
        for row in rows:
            print(f"  {name:<8} {json.dumps(row)}")


if __name__ == "__main__":
    main()
