"""The measures of a simulated day: waits, callers who left, and how evenly agents worked."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Self

import numpy

from dispatch.simulation.engine import Simulation

#: Seconds within which an answer counts for `within_20s`.
QUICK = 20.0


@dataclass(frozen=True)
class Measures:
    """The measures of one day or of several. Shares are of all callers, waits in seconds.

    Waits include callers who left. Otherwise a strategy that drives callers away would seem quick.
    """

    callers: float
    mean_wait_s: float
    p95_wait_s: float
    within_20s: float
    abandoned: float
    #: Callers still queued when the last agent had left.
    closed: float
    #: The share of served callers whose agent met the levels first required.
    fit: float
    occupancy: float
    #: The Gini coefficient of occupancy: 0 if all agents are equally busy.
    gini: float
    #: Callers who had left when an agent accepted their ticket.
    in_vain: float = 0.0
    #: The share of offers that another agent took.
    taken: float = 0.0

    def as_json(self) -> dict[str, float]:
        return {name: round(value, 4) for name, value in asdict(self).items()}

    @classmethod
    def mean(cls, several: Iterable[Self]) -> Self:
        """The mean over random draws of the same day. Each draw counts once."""
        rows = list(several)
        return cls(
            *(float(numpy.mean([getattr(row, each.name) for row in rows])) for each in fields(cls))
        )

    @classmethod
    def combine(cls, days: Iterable[Self]) -> Self:
        """The measures of several days, weighted by callers; Gini and occupancy by day."""
        rows = list(days)
        weights = [row.callers for row in rows]

        def average(name: str) -> float:
            values = [getattr(row, name) for row in rows]
            if name == "callers":
                return float(sum(values))
            by_day = name in ("gini", "occupancy")
            return float(numpy.average(values, weights=None if by_day else weights))

        return cls(*(average(each.name) for each in fields(cls)))


@dataclass(frozen=True)
class CallerOutcome:
    """The outcome of one caller: answered, gone, or queued until closing."""

    waited: float
    answered: bool
    gone: bool = False
    fits: bool = True
    in_vain: bool = False
    #: Offers of their ticket, and those among them that another agent took.
    offers: int = 0
    taken: int = 0


def measure(outcomes: Sequence[CallerOutcome], occupancies: Sequence[float]) -> Measures:
    """The measures of one day, from its callers' outcomes and its agents' occupancies."""
    if not outcomes:
        return Measures(0, 0, 0, 0, 0, 0, 0, float(numpy.mean(occupancies or [0])), 0)
    waits = [outcome.waited for outcome in outcomes]
    answered = [outcome for outcome in outcomes if outcome.answered]
    many = len(outcomes)
    return Measures(
        callers=many,
        mean_wait_s=float(numpy.mean(waits)),
        p95_wait_s=float(numpy.percentile(waits, 95)),
        within_20s=sum(outcome.waited <= QUICK for outcome in answered) / many,
        abandoned=sum(outcome.gone for outcome in outcomes) / many,
        closed=sum(not outcome.answered and not outcome.gone for outcome in outcomes) / many,
        fit=sum(outcome.fits for outcome in answered) / max(len(answered), 1),
        occupancy=float(numpy.mean(occupancies)) if occupancies else 0.0,
        gini=gini(occupancies),
        in_vain=sum(outcome.in_vain for outcome in outcomes) / many,
        taken=sum(outcome.taken for outcome in outcomes)
        / max(sum(outcome.offers for outcome in outcomes), 1),
    )


def measure_simulation(simulation: Simulation) -> Measures:
    """The measures of a simulated day."""
    closing = max(
        (span.ends for each in simulation.day.workers for span in each.spans), default=0.0
    )
    outcomes = []
    for ticket in simulation.tickets.values():
        ends = [at for at in (ticket.served_at, ticket.left_at) if at is not None]
        until = min(ends) if ends else max(closing, ticket.caller.arrives)
        outcomes.append(
            CallerOutcome(
                waited=until - ticket.caller.arrives,
                answered=ticket.served_at is not None,
                gone=ticket.left_at is not None,
                fits=ticket.fits,
                in_vain=ticket.in_vain,
                offers=ticket.offers,
                taken=ticket.taken,
            )
        )
    return measure(outcomes, [agent.occupancy for agent in simulation.agents.values()])


def gini(values: Sequence[float]) -> float:
    """The Gini coefficient: half the mean absolute difference of two values, over their mean."""
    ranked = numpy.sort(numpy.asarray(values, dtype=float))
    total = float(ranked.sum())
    if not total:
        return 0.0
    places = numpy.arange(1, len(ranked) + 1)
    return float((2 * places - len(ranked) - 1) @ ranked / (len(ranked) * total))
