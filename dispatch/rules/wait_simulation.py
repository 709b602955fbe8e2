"""How long a customer will wait: arithmetic over plain values. No Django, no clock, no I/O.

The seats of those on line, free now or once their conversation is over, are handed to the queue in
its order, some hundreds of times with lengths drawn from what really happened; the wait is when a
seat comes to the one who asks, and the time until somebody says yes. The seed is fixed: the same
floor gives the same answer.
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
#: So often what comes is played through: nine of ten are then nine of ten to within a few in 100.
DRAWS = 128
#: At most so many tickets ahead are played through; beyond them the line is drawn on.
MAX_ENTRIES = 40
#: Turns beyond those who wait now, for those who come before the floor is looked at again.
SPARE_ENTRIES = 8
#: Of free seats for the same work no more than this are ever taken in turn.
MAX_SEATS = MAX_ENTRIES + SPARE_ENTRIES + 1
#: More offers than this are never needed in a draw.
MAX_OFFERS = 8
#: Fewer answered offers than this say nothing yet.
ENOUGH_OFFERS = 20
#: The usual spread of talks about their median, as the deviation of the logarithm.
SPREAD = 0.6


@dataclass(frozen=True)
class DurationDistribution:
    """How long something takes: seconds at even steps from the shortest to the longest."""

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """The median, in seconds."""
        return self.seconds[len(self.seconds) // 2]

    def remaining(
        self, luck: Floats, *, after: Floats | float = 0.0, most: Floats | float = np.inf
    ) -> Floats:
        """What is left of it after so many seconds, for each luck from 0 to 1; at most `most`.

        Of what has lasted longer than any before nobody knows the end: as a rule, half as long
        as it usually takes, and sometimes much longer.
        """
        steps = np.linspace(0.0, 1.0, len(self.seconds))
        begun = np.where(np.asarray(after) > 0.0, np.interp(after, self.seconds, steps), 0.0)
        left = np.interp(begun + luck * (1.0 - begun), steps, self.seconds) - after
        if (begun >= 1.0).any():
            left = np.where(begun < 1.0, left, -np.log1p(-luck) * self.median / 2)
        return np.clip(left, 0.0, most)

    @classmethod
    @lru_cache(maxsize=256)
    def lognormal(cls, minutes: float) -> "DurationDistribution":
        """Before there are enough real ones: spread about what the rate card expects."""
        normal = NormalDist(0.0, SPREAD)
        shares = [(step + 0.5) / 21 for step in range(21)]
        return cls(tuple(60 * minutes * float(np.exp(normal.inv_cdf(one))) for one in shares))


class Seat(NamedTuple):
    """Room for one conversation, and what whoever offers it can do. Free now without lengths."""

    abilities: frozenset[str] = frozenset()
    duration: DurationDistribution | None = None
    elapsed: float = 0.0
    most: float = np.inf


class QueueEntry(NamedTuple):
    """Who is served before: what an agent must be able to do, and how long they will take."""

    needs: frozenset[str]
    lengths: DurationDistribution


@dataclass(frozen=True)
class WaitQuantiles:
    """The wait, in seconds, behind none, one, two … others who want the same seats."""

    p50: tuple[float, ...]
    p90: tuple[float, ...]

    def at_position(self, ahead: int) -> tuple[int, int]:
        half = _at(self.p50, ahead)
        return half, max(half, _at(self.p90, ahead))


def sample_time_to_accept(offers: Sequence[tuple[bool, float]], *, lasts: float) -> Floats:
    """How long it takes from asking until somebody says yes, drawn from offers that were settled.

    Each is whether it was taken, and after how many seconds. While there are too few, any moment
    of the time an agent has is as likely as another.
    """
    if len(offers) < ENOUGH_OFFERS or not any(taken for taken, _ in offers):
        return np.linspace(0.0, lasts, 2 * DRAWS)
    luck = np.random.default_rng(SEED)
    taken = np.array([yes for yes, _ in offers])
    took = np.array([seconds for _, seconds in offers])
    asked = luck.integers(len(offers), size=(2 * DRAWS, MAX_OFFERS))
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
    """What somebody with these needs waits for behind those ahead. None: nobody here is able.

    `ahead` are those who want the same seats, in the order in which they are served; `free_in` is
    when each seat is free, as `free_times` draws it.
    """
    able = _can_serve(needs, seats)
    if not able.any():
        return None
    turns = [*ahead[:MAX_ENTRIES], *[QueueEntry(needs, own)] * SPARE_ENTRIES]
    luck = np.random.default_rng(SEED)
    said_yes = until_yes[luck.integers(len(until_yes), size=(len(turns) + 1, DRAWS))]
    comes = np.zeros_like(said_yes)
    if (free_in[:, able].max(axis=0) == 0.0).sum() <= len(turns):
        comes = _simulate_queue(needs, turns, seats, free_in, said_yes, luck)
    half, most = np.sort(comes + said_yes, axis=1)[:, [DRAWS // 2, DRAWS * 9 // 10]].T
    # Whoever is further back never waits less; what the draws say otherwise is noise.
    return WaitQuantiles(*(tuple(np.maximum.accumulate(line).tolist()) for line in (half, most)))


def sample_free_times(seats: Sequence[Seat]) -> Floats:
    """In how many seconds each seat is free, drawn by drawn: a row a draw, a column a seat."""
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
    luck: np.random.Generator,
) -> Floats:
    """When a seat for these needs comes free before each turn and after the last, in each draw.

    In each turn the soonest seat of those able is taken until its conversation is over.
    """
    able = {each: _can_serve(each, seats) for each in {needs, *(turn.needs for turn in turns)}}
    chosen = _soonest(free_in, list(able.values()), most=len(turns) + 1)
    free = np.take_along_axis(free_in, chosen, axis=1)
    barred = {each: np.where(mask[chosen], 0.0, np.inf) for each, mask in able.items()}
    takes = _sample_durations(turns, luck) + said_yes[:-1]
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


def _soonest(free_in: Floats, able: Sequence[Bools], *, most: int) -> Places:
    """In each draw, of the seats for each of the needs as many as could ever be taken in turn."""
    kept = np.zeros(free_in.shape, dtype=bool)
    for places in map(np.flatnonzero, able):
        if len(places) <= most:
            kept[:, places] = True
        else:
            soonest = np.argpartition(free_in[:, places], most, axis=1)[:, :most]
            np.put_along_axis(kept, places[soonest], True, axis=1)
    # Draws that keep fewer are filled up with other seats, which are as real.
    return np.argsort(~kept, axis=1, kind="stable")[:, : kept.sum(axis=1).max()]


def _sample_durations(turns: Sequence[QueueEntry], luck: np.random.Generator) -> Floats:
    """How long each turn takes in each draw; turns of one kind are drawn together."""
    drawn = luck.random((len(turns), DRAWS))
    for lengths in {turn.lengths for turn in turns}:
        rows = [number for number, turn in enumerate(turns) if turn.lengths == lengths]
        drawn[rows] = lengths.remaining(drawn[rows])
    return drawn


def _at(line: tuple[float, ...], ahead: int) -> int:
    """Whole seconds, rounded up. Beyond the end the line goes on as it did in its second half."""
    last = len(line) - 1
    if ahead <= last:
        return ceil(line[ahead])
    steepness = (line[last] - line[last // 2]) / max(last - last // 2, 1)
    return ceil(line[last] + (ahead - last) * steepness)
