"""Strategies compared on the same days, with the same callers and the same random draws."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from dispatch.rules.policy import Policy
from dispatch.simulation import measures
from dispatch.simulation.day import SimulatedDay
from dispatch.simulation.engine import Simulation
from dispatch.simulation.lowering import keep_levels, lower_after_seconds
from dispatch.simulation.measures import Measures
from dispatch.simulation.strategies import PairingRule, first_come_rule, matching_rule

FIRST, OURS, BOUND = "first come", "ours", "all able"
TWO = "two at once"
#: The rival offers a ticket to two agents at once below this acceptance rate of its topic.
RELUCTANT = 0.7
#: The ways of lowering levels other than the policy's, by their label.
LOWERINGS = {"levels kept": keep_levels, "at 10 s, as formerly": lower_after_seconds}
DrawDay = Callable[[int], SimulatedDay]


@dataclass(frozen=True)
class Strategy:
    """A pairing rule, with the real agents or with agents who can all do everything."""

    pairing: PairingRule
    all_able: bool = False

    def simulate(self, day: SimulatedDay) -> Simulation:
        return Simulation(day.with_everybody_able() if self.all_able else day, self.pairing).run()


def strategies(policy: Policy) -> dict[str, Strategy]:
    """First come first served; our matching; and first come with agents who can do everything.

    All three lower levels as the policy does.
    """
    return {
        FIRST: Strategy(first_come_rule(policy)),
        OURS: Strategy(matching_rule(policy)),
        BOUND: Strategy(first_come_rule(policy), all_able=True),
    }


def strategies_by_lowering(policy: Policy) -> dict[str, Strategy]:
    """`strategies`, and first come and our matching under each of LOWERINGS."""
    found = strategies(policy)
    for label, lowering in LOWERINGS.items():
        found[f"{FIRST}, {label}"] = Strategy(first_come_rule(policy, lowering=lowering))
        found[f"{OURS}, {label}"] = Strategy(matching_rule(policy, lowering=lowering))
    return found


def strategies_with_rival(policy: Policy) -> dict[str, Strategy]:
    """`strategies`, and our matching with two offers at once where agents are reluctant."""
    rival = replace(matching_rule(policy, name=TWO), two_at_once_below=RELUCTANT)
    return {**strategies(policy), TWO: Strategy(rival)}


def simulate_each(
    drawn: DrawDay, among: Mapping[str, Strategy], *, seeds: Iterable[int]
) -> Iterator[tuple[str, Measures]]:
    """The measures of each strategy on each draw of a day, as they are computed."""
    for seed in seeds:
        day = drawn(seed)
        for name, strategy in among.items():
            yield name, measures.measure_simulation(strategy.simulate(day))


def compare(
    drawn: DrawDay,
    among: Mapping[str, Strategy],
    *,
    seeds: Iterable[int],
    after_each: Callable[[], object] = lambda: None,
) -> dict[str, Measures]:
    """The mean measures of each strategy over the draws; `after_each` follows each simulation."""
    found: dict[str, list[Measures]] = {name: [] for name in among}
    for name, found_measures in simulate_each(drawn, among, seeds=seeds):
        found[name].append(found_measures)
        after_each()
    return {name: Measures.mean(several) for name, several in found.items()}


def gap_closed(found: Mapping[str, Measures], measure: str, *, by: str = OURS) -> float | None:
    """The share of the gap between first come and the bound that a strategy closes; or None."""
    return gap_closed_to(found, measure, getattr(found[BOUND], measure), by=by)


def gap_closed_to(
    found: Mapping[str, Measures], measure: str, bound: float, *, by: str = OURS
) -> float | None:
    """The share of the gap to this bound that a strategy closes; None without a gap."""
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
#: Left out of the table if it is 0 for all.
SELDOM = {"in_vain", "taken"}


def format_table(found: Mapping[str, Measures]) -> str:
    """A text table with a row for each strategy."""
    wide = max(map(len, found), default=0) + 2
    columns = [
        measure
        for measure in HEADINGS
        if measure not in SELDOM or any(getattr(row, measure) for row in found.values())
    ]
    lines = ["".join([" " * wide, *(f"{HEADINGS[measure]:>12}" for measure in columns)])]
    for name, row in found.items():
        cells = [f"{format_measure(measure, getattr(row, measure)):>12}" for measure in columns]
        lines.append("".join([f"{name:<{wide}}", *cells]))
    return "\n".join(lines)


def format_measure(measure: str, value: float) -> str:
    if measure in SHARES:
        return f"{value:.1%}"
    return f"{value:.3f}" if measure == "gini" else f"{value:,.1f}".removesuffix(".0")
