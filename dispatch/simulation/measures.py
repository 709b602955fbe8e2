"""What came of a day: how long people waited, how many gave up, how evenly the work fell."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Self

import numpy

from dispatch.simulation.engine import Simulation

#: Within so many seconds an answer is quick.
QUICK = 20.0


@dataclass(frozen=True)
class Measures:
    """Of one day, or of several taken together. Shares are of all who asked for a human.

    A wait is the time in line, of those answered and of those who gave up alike: otherwise
    whoever drives callers away would seem quick.
    """

    callers: float
    mean_wait_s: float
    p95_wait_s: float
    within_20s: float
    abandoned: float
    #: Still in line when the last agent had gone.
    closed: float
    #: Of those served, by somebody who knows what was first asked for well enough.
    fit: float
    occupancy: float
    #: Of occupancy: 0 when all agents are as busy as one another.
    gini: float
    #: Callers for whom an agent said yes and found nobody.
    in_vain: float = 0.0
    #: Of all offers, those another agent took.
    taken: float = 0.0

    def as_json(self) -> dict[str, float]:
        return {name: round(value, 4) for name, value in asdict(self).items()}

    @classmethod
    def mean(cls, several: Iterable[Self]) -> Self:
        """Of days that are the same but for their luck: each counts once."""
        rows = list(several)
        return cls(
            *(float(numpy.mean([getattr(row, each.name) for row in rows])) for each in fields(cls))
        )

    @classmethod
    def together(cls, days: Iterable[Self]) -> Self:
        """Of different days: each caller counts once, each day's evenness once."""
        rows = list(days)
        weights = [row.callers for row in rows]

        def over(name: str) -> float:
            values = [getattr(row, name) for row in rows]
            if name == "callers":
                return float(sum(values))
            even = name in ("gini", "occupancy")
            return float(numpy.average(values, weights=None if even else weights))

        return cls(*(over(each.name) for each in fields(cls)))


@dataclass(frozen=True)
class CallerOutcome:
    """What became of one caller: answered, gone, or neither until closing; after how long."""

    waited: float
    answered: bool
    gone: bool = False
    fits: bool = True
    in_vain: bool = False
    #: How often an agent was asked for them, and how often another agent took it.
    offers: int = 0
    taken: int = 0


def of(fates: Sequence[CallerOutcome], occupancies: Sequence[float]) -> Measures:
    """The measures of one day."""
    if not fates:
        return Measures(0, 0, 0, 0, 0, 0, 0, float(numpy.mean(occupancies or [0])), 0)
    waits = [fate.waited for fate in fates]
    answered = [fate for fate in fates if fate.answered]
    many = len(fates)
    return Measures(
        callers=many,
        mean_wait_s=float(numpy.mean(waits)),
        p95_wait_s=float(numpy.percentile(waits, 95)),
        within_20s=sum(fate.waited <= QUICK for fate in answered) / many,
        abandoned=sum(fate.gone for fate in fates) / many,
        closed=sum(not fate.answered and not fate.gone for fate in fates) / many,
        fit=sum(fate.fits for fate in answered) / max(len(answered), 1),
        occupancy=float(numpy.mean(occupancies)) if occupancies else 0.0,
        gini=gini(occupancies),
        in_vain=sum(fate.in_vain for fate in fates) / many,
        taken=sum(fate.taken for fate in fates) / max(sum(fate.offers for fate in fates), 1),
    )


def of_play(play: Simulation) -> Measures:
    closing = max((span.ends for each in play.day.workers for span in each.spans), default=0.0)
    fates = []
    for visit in play.visits.values():
        ends = [at for at in (visit.served_at, visit.left_at) if at is not None]
        until = min(ends) if ends else max(closing, visit.caller.arrives)
        fates.append(
            CallerOutcome(
                waited=until - visit.caller.arrives,
                answered=visit.served_at is not None,
                gone=visit.left_at is not None,
                fits=visit.fits,
                in_vain=visit.in_vain,
                offers=visit.asked,
                taken=visit.taken,
            )
        )
    return of(fates, [seat.occupancy for seat in play.seats.values()])


def gini(values: Sequence[float]) -> float:
    """How unequal: the mean difference between any two, as a part of twice the mean."""
    ranked = numpy.sort(numpy.asarray(values, dtype=float))
    total = float(ranked.sum())
    if not total:
        return 0.0
    places = numpy.arange(1, len(ranked) + 1)
    return float((2 * places - len(ranked) - 1) @ ranked / (len(ranked) * total))
