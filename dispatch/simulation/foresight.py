"""The bound of perfect foresight: no strategy does better with the real agents.

A linear program knows the whole day. It chooses how much of each caller each agent serves, and in
which of a few windows of waiting. Every strategy's outcome is a feasible solution, because the
program only relaxes the day:

- A caller may be split among agents. A decline or a timeout costs only the caller time, who can't
  be answered before the first yes (`find_first_yes`).
- A conversation takes an agent's place only while it surely goes on, wherever in the window it
  began: from the end of the window to the beginning of the window plus its length. Places are
  checked only at checkpoints, a third of the median conversation apart, while the agent is on
  shift.
- A caller who is not answered in time takes no place, as if they all left.

So the optimum is at least what any strategy reaches, and any value of the dual is at least the
optimum (weak duality). We return such a value: each checkpoint has a price; a caller is worth 1
minus the checkpoint prices of their cheapest agent, but not less than 0; prices times places are
added. It is a bound for any prices, so we need not trust a solver. L-BFGS-B finds good prices on
the smoothed dual, because HiGHS takes minutes for one synthetic day.
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
#: Smoothing of the dual, and iterations at each, from coarse to fine.
SMOOTHING = ((0.1, 60), (0.04, 80), (0.015, 120))


class Foresight(NamedTuple):
    """Shares of all callers: an upper bound of quick answers, a lower bound of abandonment."""

    within_20s: float
    abandoned: float


class FirstYes(NamedTuple):
    """The first yes to a caller: seconds until it, and seconds its offer holds a place."""

    after: float
    holds: float


@dataclass
class Program:
    """The linear program: a column per caller, agent and window, a row per checkpoint."""

    #: Seconds between checkpoints.
    grid: float
    callers: list[int] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    columns: list[int] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    _checkpoints: dict[tuple[UUID, int], int] = field(default_factory=dict)

    def add(self, caller: int, worker: Worker, begins: float, ends: float) -> None:
        """Add a column: this agent serves this caller, surely busy from `begins` to `ends`."""
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
        """An upper bound of the number of callers that can be served."""
        if not self.callers:
            return 0.0
        shape = (len(self.places), len(self.callers))
        taken = coo_array((numpy.ones(len(self.rows)), (self.rows, self.columns)), shape).tocsr()
        places = numpy.array(self.places, dtype=float)
        scarce = numpy.asarray(taken.sum(axis=1)).ravel() > places
        return Dual(taken[scarce], places[scarce], numpy.array(self.callers)).minimize()


class Dual:
    """The dual of a program: prices of checkpoints, and the bound they give.

    Columns are grouped by caller.
    """

    def __init__(self, taken: csr_array, places: numpy.ndarray, callers: numpy.ndarray) -> None:
        self.taken, self.places = taken, places
        self.of_column = taken.T.tocsr()
        self.starts = numpy.flatnonzero(numpy.diff(callers, prepend=-1))
        self.group = numpy.cumsum(numpy.diff(callers, prepend=callers[0]) != 0)

    def minimize(self) -> float:
        """The least bound found."""
        prices = numpy.zeros(len(self.places))
        bounds = [self.value(prices)]
        if not len(prices):
            return bounds[0]
        for smoothing, steps in SMOOTHING:
            prices = minimize(
                self.smooth_value, prices, (smoothing,), method="L-BFGS-B", jac=True,
                bounds=[(0, None)] * len(prices), options={"maxiter": steps, "maxcor": 20},
            ).x  # fmt: skip
            bounds.append(self.value(prices))
        return min(bounds)

    def value(self, prices: numpy.ndarray) -> float:
        """The bound these prices give. Any prices that are not negative give one."""
        worth = numpy.maximum.reduceat(1 - self.of_column @ prices, self.starts)
        return float(numpy.maximum(worth, 0).sum() + self.places @ prices)

    def smooth_value(self, prices: numpy.ndarray, smoothing: float) -> tuple[float, numpy.ndarray]:
        """A smooth upper bound of `value` (log-sum-exp), with its gradient."""
        worth = (1 - self.of_column @ prices) / smoothing
        most = numpy.maximum(numpy.maximum.reduceat(worth, self.starts), 0)
        parts = numpy.exp(worth - most[self.group])
        whole = numpy.add.reduceat(parts, self.starts) + numpy.exp(-most)
        value = smoothing * (most + numpy.log(whole)).sum() + self.places @ prices
        return float(value), self.places - self.taken @ (parts / whole[self.group])


def foresee(day: SimulatedDay, pairing: PairingRule) -> Foresight:
    """The bounds for all strategies that offer and lower levels as this rule does."""
    many = len(day.callers)
    if not many:
        return Foresight(0.0, 0.0)
    # Callers of infinite patience never leave, so they need no place here.
    impatient = [caller for caller in day.callers if caller.leaves_after < inf]
    lost = len(impatient) - build_program(day, impatient, pairing, EVER).bound()
    quick = build_program(day, day.callers, pairing, QUICKLY).bound()
    return Foresight(min(quick / many, 1.0), max(lost / many, 0.0))


def build_program(
    day: SimulatedDay, callers: Sequence[Caller], pairing: PairingRule, ends: tuple[float, ...]
) -> Program:
    """The program in which these callers can be served in these windows."""
    if not callers:
        return Program(grid=1.0)
    workers = {worker.profile.id: worker for worker in day.workers}
    made = Program(grid=float(numpy.median([caller.talks for caller in callers])) / 3)
    for number, caller in enumerate(callers):
        first = find_first_yes(caller, alone_for=pairing.policy.exclusive_for)
        for since, until in list_windows(caller, first, ends):
            latest = caller.arrives + until - first.holds
            earliest = caller.arrives + max(since - OFFER_LASTS, 0)
            for agent in sorted(find_able(day, caller, pairing, until)):
                if is_there(workers[agent], earliest, latest):
                    ended = caller.arrives + since + caller.talks
                    made.add(number, workers[agent], latest, ended)
    return made


def find_first_yes(caller: Caller, *, alone_for: float) -> FirstYes:
    """The first yes, if each next agent is asked when the last answered or was slow."""
    asked, found = 0.0, []
    for answer in caller.answers:
        lasts = OFFER_LASTS if answer.yes is None else min(answer.after, OFFER_LASTS)
        if answer.yes:
            found.append(FirstYes(asked + lasts, lasts))
        asked += min(lasts, alone_for)
    if not found:
        return FirstYes(inf, 0.0)
    return FirstYes(min(one.after for one in found), min(one.holds for one in found))


def list_windows(
    caller: Caller, first: FirstYes, ends: tuple[float, ...]
) -> Iterator[tuple[float, float]]:
    """The windows in which this caller can be answered, in seconds of waiting."""
    since = first.after
    for end in ends:
        until = min(end, caller.leaves_after)
        if since <= until < inf:
            yield since, until
            since = until


def find_able(
    day: SimulatedDay, caller: Caller, pairing: PairingRule, waited: float
) -> frozenset[UUID]:
    """The agents who can serve this caller after this wait, with the levels lowered by then."""
    ticket = caller.ticket
    for after, needs in pairing.lowering(caller):
        if after <= waited:
            ticket = replace(ticket, skills=needs)
    return day.find_able(ticket)


def is_there(worker: Worker, since: float, until: float) -> bool:
    return any(span.begins <= until and span.ends >= since for span in worker.spans)
