"""From a bot's POST to the offer's frame at an agent: latency, sustained rate and cost.

Real processes and real sockets under an open-loop stream of requests. In every round the product,
its rival and the floor take turns, each on a fresh database and in fresh processes; figures are
medians over the rounds. Sustained is the highest rate at which every offer arrives, 99 in 100
within a second, and the wait doesn't grow (`outcome.kept_up`). Every round finds it on a ladder of
rates. `python -m benchmarks.live_path --rates 20 100 --rounds 3 --seconds 5`
"""

import argparse
import os
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from functools import partial

import django

from benchmarks import charts, floor, ladder, report, systems
from benchmarks.outcome import Outcome
from benchmarks.report import Figures
from benchmarks.systems import System
from tests import platform as platforms
from tests import servers

#: The start of the program, in seconds.
STARTED = time.time()

Start = Callable[[], AbstractContextManager[System]]


class Turn:
    """One system's turn in a round. A system that falls behind is restarted."""

    def __init__(self, start: Start, *, seed: int) -> None:
        self.start, self.seed = start, seed
        self.running = ExitStack()
        self.system: System | None = None

    def __enter__(self) -> "Turn":
        return self

    def __exit__(self, *_trouble: object) -> None:
        self.running.close()

    def step(self, rate: float, *, seconds: float) -> Outcome:
        if self.system is None:
            self.system = self.running.enter_context(self.start())
        outcome = self.system.step(rate=rate, seconds=seconds, seed=self.seed)
        if outcome.arrived_share < 1:
            # Its queues are full of stale work, so the next step starts the system afresh.
            self.running.close()
            self.system = None
        return outcome

    def find_highest(self, outcomes: list[Outcome], *, seconds: float) -> float:
        """The highest sustained rate. These rates were tried already; without time left, the best
        of them."""
        known = max((one.rate for one in outcomes if one.has_kept_up), default=0)
        if not seconds:
            return known
        climbed = ladder.find_highest(
            lambda rung: self.step(rung, seconds=seconds).has_kept_up,
            rungs=ladder.RUNGS,
            known=known,
        )
        return max(climbed, known)


def main() -> None:
    given = parse_arguments()
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    os.environ["SECRET_KEY"] = platforms.SECRET
    with servers.run_servers(forgetful=False):
        django.setup()
        figures = Figures(given)
        starts: dict[str, Start] = {
            "product": partial(systems.run_product, *systems.prepare_product(given.agents)),
            "naive": partial(systems.run_naive, systems.prepare_naive(given.agents)),
            "floor": partial(floor.run_floor, given.agents),
        }
        for number in count_rounds(given.rounds, within=given.within):
            for name, start in starts.items():
                take_turn(figures, name, start, given, seed=number)
    print(figures.table())
    report.write_figures("live", figures.as_json())
    charts.draw_live(figures.as_json(), docs=given.docs)


def count_rounds(most: int, *, within: float) -> Iterator[int]:
    """1, 2, ...; a further round only if it will end within so many seconds of the program's
    start."""
    longest = 0.0
    for number in range(1, most + 1):
        started = time.time()
        if number > 1 and within and started - STARTED + longest > within:
            return
        yield number
        longest = max(longest, time.time() - started)


def take_turn(
    figures: Figures, name: str, start: Start, given: argparse.Namespace, *, seed: int
) -> None:
    with Turn(start, seed=seed) as turn:
        outcomes = [turn.step(rate, seconds=given.seconds) for rate in sorted(given.rates)]
        sustained = turn.find_highest(outcomes, seconds=given.ladder_seconds)
    figures.add(name, outcomes, sustained=sustained)
    print(figures.latest(name, round_number=seed), flush=True)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--agents", type=int, default=1000)
    parser.add_argument("--rates", type=int, nargs="+", default=[20, 50, 100, 200])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--within", type=float, default=0, help="begin no round that ends later, s")
    parser.add_argument("--seconds", type=float, default=10, help="of a step, 15 at most")
    parser.add_argument("--ladder-seconds", type=float, default=5, help="of a rung; 0: no ladder")
    parser.add_argument("--quick", action="store_true", help="20 and 100 per second, two minutes")
    parser.add_argument("--docs", action="store_true", help="copy the chart into docs/")
    given = parser.parse_args()
    if given.quick:
        given.rates, given.seconds, given.ladder_seconds, given.within = [20, 100], 4, 0, 110
    return given


if __name__ == "__main__":
    main()
