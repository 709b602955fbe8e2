"""Ways of pairing compared on the same days: the same callers, the same luck, for each of them."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from dispatch.rules.policy import Policy
from dispatch.simulation import measures
from dispatch.simulation.day import SimulatedDay
from dispatch.simulation.engine import Simulation
from dispatch.simulation.measures import Measures
from dispatch.simulation.strategies import PairingRule, first_come, ours

FIRST, LOWERED, OURS, BOUND = "first come", "lowered too", "ours", "all able"
Drawn = Callable[[int], SimulatedDay]


@dataclass(frozen=True)
class Strategy:
    """A way of pairing, and whether agents are what they are or all able to do everything."""

    pairing: PairingRule
    all_able: bool = False

    def play(self, day: SimulatedDay) -> Simulation:
        return Simulation(day.with_everybody_able() if self.all_able else day, self.pairing).run()


def strategies(policy: Policy, *, lowers: bool = True) -> dict[str, Strategy]:
    """First come first served, by those who can do what was asked for; the same where levels are
    lowered with the wait, as in ours; ours; and what no pairing can beat, but for chance.

    `lowers`: whether the days have levels that can be lowered; else the first two are the same.
    """
    lowered = {LOWERED: Strategy(first_come(policy))} if lowers else {}
    return {
        FIRST: Strategy(first_come(replace(policy, relax_after=()))),
        **lowered,
        OURS: Strategy(ours(policy)),
        BOUND: Strategy(first_come(policy), all_able=True),
    }


def played(
    drawn: Drawn, among: Mapping[str, Strategy], *, seeds: Iterable[int]
) -> Iterator[tuple[str, Measures]]:
    """Each way on each draw of a day, one after another, as they are played."""
    for seed in seeds:
        day = drawn(seed)
        for name, way in among.items():
            yield name, measures.of_play(way.play(day))


def compared(
    drawn: Drawn,
    among: Mapping[str, Strategy],
    *,
    seeds: Iterable[int],
    heard: Callable[[], object] = lambda: None,
) -> dict[str, Measures]:
    """The mean of each way over the draws of a day. `heard` is called after each play."""
    found: dict[str, list[Measures]] = {name: [] for name in among}
    for name, one in played(drawn, among, seeds=seeds):
        found[name].append(one)
        heard()
    return {name: Measures.mean(several) for name, several in found.items()}


def closed(found: Mapping[str, Measures], measure: str, *, by: str = OURS) -> float | None:
    """Which part of the way from first come first served to the bound a way has gone."""
    first, mine, bound = (getattr(found[name], measure) for name in (FIRST, by, BOUND))
    return (mine - first) / (bound - first) if bound != first else None


HEADINGS = {
    "callers": "callers",
    "mean_wait_s": "mean wait s",
    "p95_wait_s": "p95 s",
    "within_20s": "in 20 s",
    "abandoned": "left",
    "fit": "at level",
    "occupancy": "occupied",
    "gini": "Gini",
}
SHARES = {"within_20s", "abandoned", "fit", "occupancy"}


def table(found: Mapping[str, Measures]) -> str:
    """For people to read: a row for each way."""
    wide = max(map(len, found), default=0) + 2
    lines = ["".join([" " * wide, *(f"{heading:>12}" for heading in HEADINGS.values())])]
    for name, row in found.items():
        cells = [f"{shown(measure, getattr(row, measure)):>12}" for measure in HEADINGS]
        lines.append("".join([f"{name:<{wide}}", *cells]))
    return "\n".join(lines)


def shown(measure: str, value: float) -> str:
    if measure in SHARES:
        return f"{value:.1%}"
    return f"{value:.3f}" if measure == "gini" else f"{value:,.1f}".removesuffix(".0")
