"""The wait estimator: which agents serve a lane, which tickets compete, how long that takes."""

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
    """Estimates the wait at each position of each lane. Each simulation runs once."""

    def __init__(self, snapshot: PoolSnapshot) -> None:
        self.snapshot = snapshot
        self.read_at = time.monotonic()
        self._kinds = {seat.abilities for seat in snapshot.seats}
        self._lines: dict[str, list[QueuedTicket]] = defaultdict(list)
        for entry in snapshot.queue:
            self._lines[entry.lane].append(entry)
        self._rivals: dict[str, list[list[QueuedTicket]]] = {}
        self._outlooks: dict[tuple[str, DurationDistribution, int], WaitQuantiles | None] = {}

    @cached_property
    def _free_in(self) -> Floats:
        return wait_simulation.sample_free_times(self.snapshot.seats)

    @cached_property
    def time_to_accept(self) -> Wait:
        """The wait when only an agent's answer is missing."""
        half, most = np.quantile(self.snapshot.history.until_yes, [0.5, 0.9])
        return Wait(ceil(half), ceil(most))

    @property
    def age(self) -> float:
        """The age in seconds."""
        return time.monotonic() - self.read_at

    def estimate(self, lane: str, own: DurationDistribution, *, turn_at: datetime) -> Wait:
        """Estimate the wait in this lane for a ticket with this turn, while requirements stay."""
        outlook = self.get_quantiles(lane, own)
        if outlook is None:
            return Wait(unknown=NOBODY_ABLE if self.snapshot.seats else NOBODY_ON_LINE)
        ahead = self._count_ahead(lane, turn_at)
        if ahead >= pool.MAX_QUEUE:
            return Wait(unknown=LONG_QUEUE)
        return Wait(*outlook.at_position(ahead))

    def _count_ahead(self, lane: str, turn_at: datetime) -> int:
        """Count the tickets served before it by the same agents."""
        lines = self._get_competing(lane)
        return sum(bisect_left(line, turn_at, key=_get_turn_at) for line in lines)

    def get_quantiles(self, lane: str, own: DurationDistribution) -> WaitQuantiles | None:
        """Return the simulated wait; simulated again when the queue has grown a lot."""
        lines = self._get_competing(lane)
        question = (lane, own, sum(map(len, lines)) // wait_simulation.SPARE_ENTRIES)
        if question not in self._outlooks:
            first = islice(merge(*lines, key=_get_turn_at), wait_simulation.MAX_ENTRIES)
            self._outlooks[question] = wait_simulation.simulate_wait(
                pool.parse_needs(lane),
                own=own,
                seats=self.snapshot.seats,
                free_in=self._free_in,
                ahead=[entry.turn for entry in first],
                until_yes=self.snapshot.history.until_yes,
            )
        return self._outlooks[question]

    def add(self, ticket: Ticket) -> None:
        """Add a new ticket, so that later ones are estimated behind it."""
        turn = QueueEntry(
            pool.parse_needs(ticket.lane),
            self.snapshot.get_duration(ticket.client.slug, ticket.topic),
        )
        entry = QueuedTicket(self.snapshot.turn_at(ticket), ticket.lane, turn)
        if ticket.lane not in self._lines:
            self._rivals = {}
        insort(self._lines[ticket.lane], entry, key=_get_turn_at)

    def _get_competing(self, lane: str) -> list[list[QueuedTicket]]:
        """Return the queues of the lanes that compete for the same agents."""
        if lane not in self._rivals:
            # Copy the items, because another thread may add a lane meanwhile.
            lines = list(self._lines.items())
            self._rivals[lane] = [line for other, line in lines if self._is_competing(lane, other)]
        return self._rivals[lane]

    def _is_competing(self, lane: str, other: str) -> bool:
        """Whether an agent here could serve both lanes."""
        both = pool.parse_needs(lane) | pool.parse_needs(other)
        return any(both <= kind for kind in self._kinds)


def _get_turn_at(entry: QueuedTicket) -> datetime:
    return entry.turn_at
