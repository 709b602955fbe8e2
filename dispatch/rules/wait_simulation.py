"""The wait of a customer, by a Monte Carlo simulation of the queue. No Django, no clock, no I/O.

Each draw gives the agents' seats, as they become free, to the queue in its order. Conversation
lengths are drawn from recorded ones. The wait is the time until the customer gets a seat, plus the
time until an agent accepts. The seed is fixed, so the same input gives the same answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import ceil
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Places = NDArray[np.intp]

SEED = 8
#: Simulations per estimate. The 90 % quantile is then right to within a few per cent.
DRAWS = 128
#: Queue positions that are simulated. Waits further back are extrapolated.
MAX_ENTRIES = 40
#: Positions beyond the present queue, for customers who come before the next estimate.
SPARE_ENTRIES = 8
#: Free seats for the same work beyond this number are never used in a simulation.
MAX_SEATS = MAX_ENTRIES + SPARE_ENTRIES + 1
#: A draw makes at most this many offers.
MAX_OFFERS = 8
#: With fewer answered offers than this, the time to accept is taken as uniform.
ENOUGH_OFFERS = 20
#: The usual spread of conversation lengths: the standard deviation of their logarithm.
SPREAD = 0.6


@dataclass(frozen=True)
class DurationDistribution:
    """A distribution of durations, as its quantiles in seconds at even steps from 0 to 1."""

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """The median, in seconds."""
        return self.seconds[len(self.seconds) // 2]

    def remaining(
        self, chance: Floats, *, after: Floats | float = 0.0, most: Floats | float = np.inf
    ) -> Floats:
        """The remaining seconds after `after`, at each probability `chance`; at most `most`.

        Beyond the longest known duration the rest is taken as exponential, with half the median
        as its mean.
        """
        steps = np.linspace(0.0, 1.0, len(self.seconds))
        begun = np.where(np.asarray(after) > 0.0, np.interp(after, self.seconds, steps), 0.0)
        left = np.interp(begun + chance * (1.0 - begun), steps, self.seconds) - after
        if (begun >= 1.0).any():
            left = np.where(begun < 1.0, left, -np.log1p(-chance) * self.median / 2)
        return np.clip(left, 0.0, most)

    @classmethod
    @lru_cache(maxsize=256)
    def lognormal(cls, minutes: float) -> "DurationDistribution":
        """A lognormal about the minutes a rate card expects, while too few real ones are known."""
        normal = NormalDist(0.0, SPREAD)
        shares = [(step + 0.5) / 21 for step in range(21)]
        return cls(tuple(60 * minutes * float(np.exp(normal.inv_cdf(share))) for share in shares))


class Seat(NamedTuple):
    """Room for one conversation with an agent of these abilities; free if `duration` is None."""

    abilities: frozenset[str] = frozenset()
    duration: DurationDistribution | None = None
    elapsed: float = 0.0
    most: float = np.inf


class QueueEntry(NamedTuple):
    """A ticket ahead in the queue: its requirements and the length of its conversation."""

    needs: frozenset[str]
    lengths: DurationDistribution


@dataclass(frozen=True)
class WaitQuantiles:
    """The median and 90 % quantile of the wait in seconds, by the number of tickets ahead."""

    p50: tuple[float, ...]
    p90: tuple[float, ...]

    def at_position(self, ahead: int) -> tuple[int, int]:
        """Both quantiles, in whole seconds, with so many tickets ahead."""
        half = _extrapolate(self.p50, ahead)
        return half, max(half, _extrapolate(self.p90, ahead))


def sample_time_to_accept(offers: Sequence[tuple[bool, float]], *, lasts: float) -> Floats:
    """The seconds from the first offer until an agent accepts, drawn from settled offers.

    Each offer is whether it was accepted, and after how many seconds. With fewer than
    ENOUGH_OFFERS, the time is uniform over `lasts`, the seconds an agent has to answer.
    """
    if len(offers) < ENOUGH_OFFERS or not any(taken for taken, _ in offers):
        return np.linspace(0.0, lasts, 2 * DRAWS)
    rng = np.random.default_rng(SEED)
    taken = np.array([yes for yes, _ in offers])
    took = np.array([seconds for _, seconds in offers])
    asked = rng.integers(len(offers), size=(2 * DRAWS, MAX_OFFERS))
    first_yes = np.where(taken[asked].any(axis=1), taken[asked].argmax(axis=1), MAX_OFFERS - 1)
    until: Floats = took[asked].cumsum(axis=1)[np.arange(len(asked)), first_yes]
    return until


def simulate_wait(
    needs: frozenset[str],
    *,
    own: DurationDistribution,
    seats: Sequence[Seat],
    free_in: Floats,
    ahead: Sequence[QueueEntry],
    until_yes: Floats,
) -> WaitQuantiles | None:
    """The wait of a customer with these needs behind those ahead; None if no seat can serve them.

    `ahead` are the tickets that want the same seats, in the order in which they are served.
    `free_in` is when each seat is free, as `sample_free_times` draws it. `until_yes` are seconds
    until an agent accepts, as `sample_time_to_accept` draws them.
    """
    able = _can_serve(needs, seats)
    if not able.any():
        return None
    turns = [*ahead[:MAX_ENTRIES], *[QueueEntry(needs, own)] * SPARE_ENTRIES]
    rng = np.random.default_rng(SEED)
    said_yes = until_yes[rng.integers(len(until_yes), size=(len(turns) + 1, DRAWS))]
    comes = np.zeros_like(said_yes)
    if (free_in[:, able].max(axis=0) == 0.0).sum() <= len(turns):
        comes = _simulate_queue(needs, turns, seats, free_in, said_yes, rng)
    half, most = np.sort(comes + said_yes, axis=1)[:, [DRAWS // 2, DRAWS * 9 // 10]].T
    # A ticket further back never waits less. Where the draws say otherwise, that is noise.
    return WaitQuantiles(*(tuple(np.maximum.accumulate(line).tolist()) for line in (half, most)))


def sample_free_times(seats: Sequence[Seat]) -> Floats:
    """The seconds until each seat is free: a row per draw, a column per seat."""
    free = np.random.default_rng(SEED).random((DRAWS, len(seats)))
    for lengths in {seat.duration for seat in seats}:
        columns = [column for column, seat in enumerate(seats) if seat.duration == lengths]
        if lengths is None:
            free[:, columns] = 0.0
        else:
            after = np.array([seats[column].elapsed for column in columns])
            most = np.array([seats[column].most for column in columns])
            free[:, columns] = lengths.remaining(free[:, columns], after=after, most=most)
    return free


def _simulate_queue(
    needs: frozenset[str],
    turns: Sequence[QueueEntry],
    seats: Sequence[Seat],
    free_in: Floats,
    said_yes: Floats,
    rng: np.random.Generator,
) -> Floats:
    """The seconds until a seat for these needs is free, before each turn and after the last.

    A row per turn, a column per draw. Each turn takes the seat that is free soonest among those
    that can serve it, until its conversation is over.
    """
    able = {each: _can_serve(each, seats) for each in {needs, *(turn.needs for turn in turns)}}
    chosen = _select_soonest(free_in, list(able.values()), most=len(turns) + 1)
    free = np.take_along_axis(free_in, chosen, axis=1)
    barred = {each: np.where(mask[chosen], 0.0, np.inf) for each, mask in able.items()}
    takes = _sample_durations(turns, rng) + said_yes[:-1]
    draws = np.arange(DRAWS)
    comes = np.empty_like(said_yes)
    for number, turn in enumerate(turns):
        if turn.needs != needs:
            comes[number] = (free + barred[needs]).min(axis=1)
        there = free + barred[turn.needs]
        taken = there.argmin(axis=1)
        if turn.needs == needs:
            comes[number] = there[draws, taken]
        free[draws, taken] += takes[number]
    comes[-1] = (free + barred[needs]).min(axis=1)
    return comes


def _can_serve(needs: frozenset[str], seats: Sequence[Seat]) -> Bools:
    return np.array([needs <= seat.abilities for seat in seats], dtype=bool)


def _select_soonest(free_in: Floats, able: Sequence[Bools], *, most: int) -> Places:
    """The seats a draw could use: for each need, the `most` that are free soonest."""
    kept = np.zeros(free_in.shape, dtype=bool)
    for places in map(np.flatnonzero, able):
        if len(places) <= most:
            kept[:, places] = True
        else:
            soonest = np.argpartition(free_in[:, places], most, axis=1)[:, :most]
            np.put_along_axis(kept, places[soonest], True, axis=1)
    # A draw that keeps fewer is filled up with other seats, which do no harm: they are real too.
    return np.argsort(~kept, axis=1, kind="stable")[:, : kept.sum(axis=1).max()]


def _sample_durations(turns: Sequence[QueueEntry], rng: np.random.Generator) -> Floats:
    """The seconds each turn takes: a row per turn, a column per draw."""
    drawn = rng.random((len(turns), DRAWS))
    for lengths in {turn.lengths for turn in turns}:
        rows = [number for number, turn in enumerate(turns) if turn.lengths == lengths]
        drawn[rows] = lengths.remaining(drawn[rows])
    return drawn


def _extrapolate(line: tuple[float, ...], ahead: int) -> int:
    """The wait at this position, rounded up; beyond the end, by the slope of the second half."""
    last = len(line) - 1
    if ahead <= last:
        return ceil(line[ahead])
    steepness = (line[last] - line[last // 2]) / max(last - last // 2, 1)
    return ceil(line[last] + (ahead - last) * steepness)
