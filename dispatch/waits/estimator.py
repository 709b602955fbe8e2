"""The calculator of waits: who can serve a lane, who else wants them, and how long that takes."""

import time
from bisect import bisect_left, insort
from collections import defaultdict
from datetime import datetime
from functools import cached_property
from heapq import merge
from itertools import islice
from math import ceil

import numpy as np

from dispatch.rules import wait_simulation
from dispatch.rules.wait_simulation import DurationDistribution, Floats, QueueEntry, WaitQuantiles
from dispatch.waits import pool
from dispatch.waits.pool import PoolSnapshot, QueuedTicket
from tickets.models import Ticket
from tickets.queue import Wait

NOBODY_ON_LINE, NOBODY_ABLE, LONG_QUEUE = "nobody_on_line", "nobody_able", "long_queue"


class WaitEstimator:
    """The wait of each place in each lane. The same question is worked out once."""

    def __init__(self, snapshot: PoolSnapshot) -> None:
        self.snapshot = snapshot
        self.read_at = time.monotonic()
        self._kinds = {seat.abilities for seat in snapshot.seats}
        self._lines: dict[str, list[QueuedTicket]] = defaultdict(list)
        for one in snapshot.queue:
            self._lines[one.lane].append(one)
        self._rivals: dict[str, list[list[QueuedTicket]]] = {}
        self._outlooks: dict[tuple[str, DurationDistribution, int], WaitQuantiles | None] = {}

    @cached_property
    def _free_in(self) -> Floats:
        return wait_simulation.sample_free_times(self.snapshot.seats)

    @cached_property
    def time_to_accept(self) -> Wait:
        """Where only somebody's answer is waited for."""
        half, most = np.quantile(self.snapshot.history.until_yes, [0.5, 0.9])
        return Wait(ceil(half), ceil(most))

    @property
    def age(self) -> float:
        """Seconds."""
        return time.monotonic() - self.read_at

    def estimate(self, lane: str, own: DurationDistribution, *, turn_at: datetime) -> Wait:
        """Of somebody in this lane whose turn is at that moment, if what is asked for stays."""
        outlook = self.quantiles(lane, own)
        if outlook is None:
            return Wait(unknown=NOBODY_ABLE if self.snapshot.seats else NOBODY_ON_LINE)
        ahead = self._ahead(lane, turn_at)
        if ahead >= pool.MAX_QUEUE:
            return Wait(unknown=LONG_QUEUE)
        return Wait(*outlook.at_position(ahead))

    def _ahead(self, lane: str, turn_at: datetime) -> int:
        """How many who want the same seats are served before."""
        lines = self._lines_against(lane)
        return sum(bisect_left(line, turn_at, key=_turn_at) for line in lines)

    def quantiles(self, lane: str, own: DurationDistribution) -> WaitQuantiles | None:
        """Worked out once, and again when so many have come that it says too little of them."""
        lines = self._lines_against(lane)
        question = (lane, own, sum(map(len, lines)) // wait_simulation.SPARE_ENTRIES)
        if question not in self._outlooks:
            first = islice(merge(*lines, key=_turn_at), wait_simulation.MAX_ENTRIES)
            self._outlooks[question] = wait_simulation.simulate_wait(
                pool.parse_needs(lane),
                own=own,
                seats=self.snapshot.seats,
                free_in=self._free_in,
                ahead=[one.turn for one in first],
                until_yes=self.snapshot.history.until_yes,
            )
        return self._outlooks[question]

    def add(self, ticket: Ticket) -> None:
        """Somebody came since; whoever comes next is behind them."""
        turn = QueueEntry(
            pool.parse_needs(ticket.lane),
            self.snapshot.duration_for(ticket.client.slug, ticket.topic),
        )
        one = QueuedTicket(self.snapshot.turn_at(ticket), ticket.lane, turn)
        if ticket.lane not in self._lines:
            self._rivals = {}
        insort(self._lines[ticket.lane], one, key=_turn_at)

    def _lines_against(self, lane: str) -> list[list[QueuedTicket]]:
        """Those who want the same seats, by lane, each in the order in which they are served."""
        if lane not in self._rivals:
            # Another thread may add a lane meanwhile.
            lines = list(self._lines.items())
            self._rivals[lane] = [line for other, line in lines if self._compete(lane, other)]
        return self._rivals[lane]

    def _compete(self, lane: str, other: str) -> bool:
        """Whether somebody here could serve either."""
        both = pool.parse_needs(lane) | pool.parse_needs(other)
        return any(both <= kind for kind in self._kinds)


def _turn_at(one: QueuedTicket) -> datetime:
    return one.turn_at
