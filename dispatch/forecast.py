"""The wait a customer is told. What it rests on is read anew every five seconds by each process, so
that a quote costs a look and no query.
"""

import threading
import time
from bisect import bisect_left, insort
from collections.abc import Sequence
from datetime import datetime
from functools import cached_property
from math import ceil

import numpy as np

from dispatch import seats, waiting
from dispatch.seats import Floor, InLine
from dispatch.waiting import Floats, Lengths, Outlook, Turn
from tickets.models import Ticket
from tickets.queue import Wait

#: Seconds. While one thread reads, the others make do with what is no older than the second.
REMEMBERED, STALE = 5.0, 15.0

NOBODY_ON_LINE, NOBODY_ABLE = "nobody_on_line", "nobody_able"
NO_RATE_CARD, LONG_QUEUE = "no_rate_card", "long_queue"


class View:
    """A floor, and what was worked out from it: the same question is answered once."""

    def __init__(self, floor: Floor) -> None:
        self.floor = floor
        self.read_at = time.monotonic()
        self._kinds = {seat.abilities for seat in floor.seats}
        self._rivals: dict[tuple[str, str], bool] = {}
        self._outlooks: dict[tuple[str, Lengths, int], Outlook | None] = {}

    @cached_property
    def _free_in(self) -> Floats:
        return waiting.free_times(self.floor.seats)

    @property
    def age(self) -> float:
        """Seconds."""
        return time.monotonic() - self.read_at

    def rivals(self, lane: str) -> list[InLine]:
        """Who waits and wants the same seats, in the order in which they are served."""
        return [one for one in self.floor.line if self._compete(lane, one.lane)]

    def outlook(self, lane: str, own: Lengths, rivals: Sequence[InLine]) -> Outlook | None:
        """Worked out once, and again when so many have come that it says too little of them."""
        question = (lane, own, len(rivals) // waiting.SPARE_TURNS)
        if question not in self._outlooks:
            self._outlooks[question] = waiting.outlook(
                seats.needs(lane),
                own=own,
                seats=self.floor.seats,
                free_in=self._free_in,
                ahead=[one.turn for one in rivals],
                until_yes=self.floor.learned.until_yes,
            )
        return self._outlooks[question]

    def join(self, ticket: Ticket) -> None:
        """Somebody came since; whoever comes next is behind them."""
        turn = Turn(seats.needs(ticket.lane), self.floor.lengths(ticket.client.slug, ticket.topic))
        one = InLine(self.floor.turn_at(ticket), ticket.lane, turn)
        insort(self.floor.line, one, key=lambda each: each.turn_at)

    def _compete(self, lane: str, other: str) -> bool:
        """Whether somebody here could serve either."""
        if (lane, other) not in self._rivals:
            both = seats.needs(lane) | seats.needs(other)
            self._rivals[lane, other] = any(both <= kind for kind in self._kinds)
        return self._rivals[lane, other]


class _Memory:
    """The newest view this process has."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._view: View | None = None

    def view(self, *, at: datetime) -> View:
        known = self._view
        if known and known.age < (STALE if self._lock.locked() else REMEMBERED):
            return known
        with self._lock:
            if self._view is None or self._view.age >= REMEMBERED:
                self._view = View(seats.read(at=at))
            return self._view

    def join(self, ticket: Ticket) -> None:
        if self._view:
            self._view.join(ticket)

    def forget(self) -> None:
        self._view = None


_memory = _Memory()
view, joined, forget = _memory.view, _memory.join, _memory.forget


def wait(ticket: Ticket, *, at: datetime) -> Wait:
    """What this ticket's customer can be told now, be it in line already or about to be."""
    here = view(at=at)
    if ticket.client.slug not in here.floor.minutes:
        return Wait(unknown=NO_RATE_CARD)
    if ticket.asked:
        return _until_yes(here)
    own = here.floor.lengths(ticket.client.slug, ticket.topic)
    rivals = here.rivals(ticket.lane)
    outlook = here.outlook(ticket.lane, own, rivals)
    if outlook is None:
        return Wait(unknown=NOBODY_ABLE if here.floor.seats else NOBODY_ON_LINE)
    ahead = bisect_left(rivals, here.floor.turn_at(ticket), key=lambda one: one.turn_at)
    if ahead >= seats.LONGEST_LINE:
        return Wait(unknown=LONG_QUEUE)
    return Wait(*outlook.behind(ahead))


def _until_yes(here: View) -> Wait:
    """Somebody has been asked already: only their answer is waited for."""
    half, most = np.quantile(here.floor.learned.until_yes, [0.5, 0.9])
    return Wait(ceil(half), ceil(most))
