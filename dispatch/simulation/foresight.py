"""Perfect foresight with the real agents: a bound that no way of pairing can beat.

A linear program chooses, knowing the whole day, how much of each caller is served by each agent
able to serve them, and in which of a few windows of waiting. Whatever a pairing really does is a
solution of it, because it only leaves out what makes a day harder:

- A caller may be split among agents. Whoever would pass or stay silent holds nobody up but the
  caller, who can't be answered sooner than the first yes comes (`soonest`).
- An agent's places count only while the conversation is sure to go on, wherever in the window it
  began: from the end of the window to the beginning of the window plus its length. They count only
  at checkpoints, a third of the median conversation apart, and only while the agent is there.
- Whoever is not answered in time takes nobody's place, as if all of them left.

So its optimum is at least what any pairing reaches, and no more than any value of its dual. What is
returned is such a value: each checkpoint has a price, a caller is worth 1 less the prices of the
cheapest agent's checkpoints and never less than 0, and prices times places are added. By weak
duality that is a bound whatever the prices are, so nothing rests on a solver's word. Good prices
are found by L-BFGS-B on the dual, smoothed; HiGHS takes minutes for one invented day.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from math import ceil, inf
from typing import NamedTuple
from uuid import UUID

import numpy
from scipy.optimize import minimize
from scipy.sparse import coo_array, csr_array

from dispatch.simulation.day import Caller, SimulatedDay, Worker
from dispatch.simulation.engine import OFFER_LASTS
from dispatch.simulation.measures import QUICK
from dispatch.simulation.strategies import PairingRule

#: Windows of waiting, by their ends in seconds: for quick answers, and for any answer.
QUICKLY, EVER = (QUICK,), (60.0, 180.0, inf)
#: How much the dual is smoothed, and at most how many steps are taken, from coarse to fine.
SMOOTHING = ((0.1, 60), (0.04, 80), (0.015, 120))


class Foresight(NamedTuple):
    """Shares of all callers: at most so many answered quickly, at least so many lost."""

    within_20s: float
    abandoned: float


class Soonest(NamedTuple):
    """The first yes to a caller: after how many seconds, and for how long it holds a place."""

    after: float
    holds: float


@dataclass
class Program:
    """The linear program: a column for each way of serving a caller, a row for each checkpoint."""

    #: Seconds between checkpoints.
    grid: float
    callers: list[int] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    columns: list[int] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    _checkpoints: dict[tuple[UUID, int], int] = field(default_factory=dict)

    def add(self, caller: int, worker: Worker, begins: float, ends: float) -> None:
        """This caller served by this agent, whose place is taken from when to when for certain."""
        column = len(self.callers)
        self.callers.append(caller)
        for span in worker.spans:
            first = ceil(max(min(begins, span.ends), span.begins) / self.grid)
            for number in range(first, ceil(min(ends, span.ends) / self.grid)):
                row = self._checkpoints.setdefault((worker.profile.id, number), len(self.places))
                if row == len(self.places):
                    self.places.append(worker.capacity)
                self.rows.append(row)
                self.columns.append(column)

    def bound(self) -> float:
        """At least as many callers as can be served."""
        if not self.callers:
            return 0.0
        shape = (len(self.places), len(self.callers))
        taken = coo_array((numpy.ones(len(self.rows)), (self.rows, self.columns)), shape).tocsr()
        places = numpy.array(self.places, dtype=float)
        scarce = numpy.asarray(taken.sum(axis=1)).ravel() > places
        return Dual(taken[scarce], places[scarce], numpy.array(self.callers)).least()


class Dual:
    """Prices of checkpoints, and the bound they give. Columns come caller by caller."""

    def __init__(self, taken: csr_array, places: numpy.ndarray, callers: numpy.ndarray) -> None:
        self.taken, self.places = taken, places
        self.of_column = taken.T.tocsr()
        self.starts = numpy.flatnonzero(numpy.diff(callers, prepend=-1))
        self.group = numpy.cumsum(numpy.diff(callers, prepend=callers[0]) != 0)

    def least(self) -> float:
        prices = numpy.zeros(len(self.places))
        bounds = [self.value(prices)]
        if not len(prices):
            return bounds[0]
        for smoothing, steps in SMOOTHING:
            prices = minimize(
                self.smoothed, prices, (smoothing,), method="L-BFGS-B", jac=True,
                bounds=[(0, None)] * len(prices), options={"maxiter": steps, "maxcor": 20},
            ).x  # fmt: skip
            bounds.append(self.value(prices))
        return min(bounds)

    def value(self, prices: numpy.ndarray) -> float:
        """The bound of these prices, whatever they are, if none is negative."""
        worth = numpy.maximum.reduceat(1 - self.of_column @ prices, self.starts)
        return float(numpy.maximum(worth, 0).sum() + self.places @ prices)

    def smoothed(self, prices: numpy.ndarray, smoothing: float) -> tuple[float, numpy.ndarray]:
        """The same, a little higher and without edges, and its slope."""
        worth = (1 - self.of_column @ prices) / smoothing
        most = numpy.maximum(numpy.maximum.reduceat(worth, self.starts), 0)
        parts = numpy.exp(worth - most[self.group])
        whole = numpy.add.reduceat(parts, self.starts) + numpy.exp(-most)
        value = smoothing * (most + numpy.log(whole)).sum() + self.places @ prices
        return float(value), self.places - self.taken @ (parts / whole[self.group])


def foresee(day: SimulatedDay, pairing: PairingRule) -> Foresight:
    """The bounds for all ways of pairing that ask and lower as this one does."""
    many = len(day.callers)
    if not many:
        return Foresight(0.0, 0.0)
    # Whoever has patience without end never leaves, and takes nobody's place here.
    impatient = [caller for caller in day.callers if caller.leaves_after < inf]
    lost = len(impatient) - program(day, impatient, pairing, EVER).bound()
    quick = program(day, day.callers, pairing, QUICKLY).bound()
    return Foresight(min(quick / many, 1.0), max(lost / many, 0.0))


def program(
    day: SimulatedDay, callers: Sequence[Caller], pairing: PairingRule, ends: tuple[float, ...]
) -> Program:
    """Every way in which each of these callers could be served in these windows."""
    if not callers:
        return Program(grid=1.0)
    workers = {worker.profile.id: worker for worker in day.workers}
    made = Program(grid=float(numpy.median([caller.talks for caller in callers])) / 3)
    for number, caller in enumerate(callers):
        first = soonest(caller, alone_for=pairing.policy.exclusive_for)
        for since, until in windows(caller, first, ends):
            latest = caller.arrives + until - first.holds
            earliest = caller.arrives + max(since - OFFER_LASTS, 0)
            for agent in sorted(able(day, caller, pairing, until)):
                if is_there(workers[agent], earliest, latest):
                    ended = caller.arrives + since + caller.talks
                    made.add(number, workers[agent], latest, ended)
    return made


def soonest(caller: Caller, *, alone_for: float) -> Soonest:
    """Where each next agent is asked once the last answered or had it alone long enough."""
    asked, found = 0.0, []
    for answer in caller.answers:
        lasts = OFFER_LASTS if answer.yes is None else min(answer.after, OFFER_LASTS)
        if answer.yes:
            found.append(Soonest(asked + lasts, lasts))
        asked += min(lasts, alone_for)
    if not found:
        return Soonest(inf, 0.0)
    return Soonest(min(one.after for one in found), min(one.holds for one in found))


def windows(
    caller: Caller, first: Soonest, ends: tuple[float, ...]
) -> Iterator[tuple[float, float]]:
    """The windows in which this caller can be answered, in seconds of waiting."""
    since = first.after
    for end in ends:
        until = min(end, caller.leaves_after)
        if since <= until < inf:
            yield since, until
            since = until


def able(day: SimulatedDay, caller: Caller, pairing: PairingRule, waited: float) -> frozenset[UUID]:
    """Who can serve this caller by then, with the levels as low as they have become."""
    ticket = caller.ticket
    for after, needs in pairing.lowering(caller):
        if after <= waited:
            ticket = replace(ticket, skills=needs)
    return day.able(ticket)


def is_there(worker: Worker, since: float, until: float) -> bool:
    return any(span.begins <= until and span.ends >= since for span in worker.spans)
