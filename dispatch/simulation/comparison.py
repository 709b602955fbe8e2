"""Ways of pairing compared on the same days: the same callers, the same luck, for each of them."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from dispatch.rules.policy import Policy
from dispatch.simulation import measures
from dispatch.simulation.day import SimulatedDay
from dispatch.simulation.engine import Simulation
from dispatch.simulation.lowering import formerly, never
from dispatch.simulation.measures import Measures
from dispatch.simulation.strategies import PairingRule, first_come, ours

FIRST, OURS, BOUND = "first come", "ours", "all able"
TWO = "two at once"
#: Of the offers of a topic in an hour, agents together say yes to less: then the rival asks two.
RELUCTANT = 0.7
#: The ways by which levels are lowered, beside the policy's own, and what is said of them.
LOWERINGS = {"levels kept": never, "at 10 s, as formerly": formerly}
Drawn = Callable[[int], SimulatedDay]


@dataclass(frozen=True)
class Strategy:
    """A way of pairing, and whether agents are what they are or all able to do everything."""

    pairing: PairingRule
    all_able: bool = False

    def play(self, day: SimulatedDay) -> Simulation:
        return Simulation(day.with_everybody_able() if self.all_able else day, self.pairing).run()


def strategies(policy: Policy) -> dict[str, Strategy]:
    """First come first served; ours; and first come were everybody able to do everything.

    Levels are lowered alike in all of them, as the policy lowers them.
    """
    return {
        FIRST: Strategy(first_come(policy)),
        OURS: Strategy(ours(policy)),
        BOUND: Strategy(first_come(policy), all_able=True),
    }


def at_each_lowering(policy: Policy) -> dict[str, Strategy]:
    """First come and ours as the policy lowers levels, without any lowering, and as formerly."""
    found = strategies(policy)
    for said, lowering in LOWERINGS.items():
        found[f"{FIRST}, {said}"] = Strategy(first_come(policy, lowering=lowering))
        found[f"{OURS}, {said}"] = Strategy(ours(policy, lowering=lowering))
    return found


def with_rival(policy: Policy) -> dict[str, Strategy]:
    """Beside ours, the same where two agents are asked at once if agents together are reluctant."""
    rival = replace(ours(policy, name=TWO), two_at_once_below=RELUCTANT)
    return {**strategies(policy), TWO: Strategy(rival)}


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
    return closed_to(found, measure, getattr(found[BOUND], measure), by=by)


def closed_to(
    found: Mapping[str, Measures], measure: str, bound: float, *, by: str = OURS
) -> float | None:
    """The same where the bound is this figure."""
    first, mine = (getattr(found[name], measure) for name in (FIRST, by))
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
    "in_vain": "in vain",
    "taken": "taken",
}
SHARES = {"within_20s", "abandoned", "fit", "occupancy", "in_vain", "taken"}
#: Left out of the table where it is nothing for all.
SELDOM = {"in_vain", "taken"}


def table(found: Mapping[str, Measures]) -> str:
    """For people to read: a row for each way."""
    wide = max(map(len, found), default=0) + 2
    columns = [
        measure
        for measure in HEADINGS
        if measure not in SELDOM or any(getattr(row, measure) for row in found.values())
    ]
    lines = ["".join([" " * wide, *(f"{HEADINGS[measure]:>12}" for measure in columns)])]
    for name, row in found.items():
        cells = [f"{shown(measure, getattr(row, measure)):>12}" for measure in columns]
        lines.append("".join([f"{name:<{wide}}", *cells]))
    return "\n".join(lines)


def shown(measure: str, value: float) -> str:
    if measure in SHARES:
        return f"{value:.1%}"
    return f"{value:.3f}" if measure == "gini" else f"{value:,.1f}".removesuffix(".0")
