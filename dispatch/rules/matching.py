"""Who is offered what: the pairing of a batch that costs the least. No Django, no clock, no I/O.

The total cost adds the cost of each pair and the penalty of each unassigned ticket. The penalty
rises as a ticket waits, so that no ticket is overtaken for ever. The rules are in
`dispatch.rules.policy`.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID
from zlib import crc32

import numpy

from dispatch.rules.policy import (
    AGENT_COSTS,
    LANE_COSTS,
    LANE_FILTERS,
    FreeAgent,
    Policy,
    WaitingTicket,
    unassigned_penalty,
    verdict,
)

NEVER = numpy.inf
#: Beyond this many cells the best pairing takes too long, and a good one is found instead.
MOST_CELLS = 1_000_000


@dataclass(frozen=True)
class Match:
    """A pairing, and why: the costs of each part, and among how many."""

    ticket: UUID
    agent: UUID
    costs: Mapping[str, int]
    candidates: int

    def reasons(self) -> dict[str, Any]:
        return {"costs": dict(self.costs), "candidates": self.candidates}


def match(
    tickets: Iterable[WaitingTicket],
    agents: Iterable[FreeAgent],
    *,
    policy: Policy,
    at: datetime,
) -> list[Match]:
    """Pair tickets with agents, each at most once, at the least cost in all.

    Two pairings of equal cost are decided by waiting and idle time; what is equal even then, by a
    lot drawn afresh each wave. The order in which they are given decides nothing.
    """
    waiting, free = _in_line(tickets, policy=policy, at=at), _in_turn(agents, at=at)
    if not waiting or not free:
        return []
    table = Table(waiting, free, policy, at)
    small = len(waiting) * (len(waiting) + len(free)) <= MOST_CELLS
    return [table.match(*pair) for pair in (table.best() if small else table.good())]


def _in_line(
    tickets: Iterable[WaitingTicket], *, policy: Policy, at: datetime
) -> list[WaitingTicket]:
    """Those whose waiting costs most in front."""
    lot = _lots(at)
    return sorted(
        tickets,
        key=lambda ticket: (
            ticket.due_at - policy.head_start(ticket.urgency), ticket.queued_at, lot(ticket.id),
        ),
    )  # fmt: skip


def _in_turn(agents: Iterable[FreeAgent], *, at: datetime) -> list[FreeAgent]:
    """The longest idle in front."""
    lot = _lots(at)
    return sorted(agents, key=lambda agent: (agent.idle_since, lot(agent.id)))


def _lots(at: datetime) -> Callable[[UUID], int]:
    """Drawn anew at every moment, so that no id is lucky for long."""
    drawn = int(at.timestamp() * 1e6) & 0xFFFF_FFFF
    return lambda who: crc32(who.bytes, drawn)


class Lane(NamedTuple):
    """Who can serve a lane, by their column, and at what cost."""

    columns: numpy.ndarray
    costs: numpy.ndarray


class Row(NamedTuple):
    """What each agent would cost for a ticket, never being infinite; and how many could serve."""

    costs: numpy.ndarray
    candidates: int


class Table:
    """Tickets down, the agents across, in the order that decides between equals."""

    def __init__(
        self,
        tickets: Sequence[WaitingTicket],
        agents: Sequence[FreeAgent],
        policy: Policy,
        at: datetime,
    ) -> None:
        self.tickets, self.agents, self.policy, self.at = tickets, agents, policy, at
        self.column = {agent.id: column for column, agent in enumerate(agents)}
        self.own = [
            sum(cost(agent, policy, at) for cost in AGENT_COSTS.values()) for agent in agents
        ]
        self.speakers: defaultdict[str, list[int]] = defaultdict(list)
        for column, agent in enumerate(agents):
            for language in agent.languages:
                self.speakers[language].append(column)
        self._lanes: dict[Hashable, Lane] = {}

    def best(self) -> list[tuple[int, int, int]]:
        """The pairs of least cost in all. Every ticket may also stay: a column of its own."""
        count, width = len(self.tickets), len(self.agents)
        # Between equal costs: whoever waits longest is served, whoever is idle longest is asked.
        finer = float(1 << (count * count * (width + 1)).bit_length())
        table = numpy.full((count, width + count), NEVER)
        candidates = []
        for row, ticket in enumerate(self.tickets):
            costs, able = self.row(ticket)
            table[row, :width] = costs * finer + numpy.arange(width)
            stays = unassigned_penalty(ticket, policy=self.policy, at=self.at)
            table[row, width + row] = stays * finer + (count - row) * (width + 1)
            candidates.append(able)
        # A fifth of a process's start, and most processes never pair anybody. Those that do load it
        # when they start (`config.up.processes`, the scheduler's command).
        from scipy.optimize import linear_sum_assignment

        rows, columns = linear_sum_assignment(table)
        pairs = zip(rows.tolist(), columns.tolist(), strict=True)
        return [(row, column, candidates[row]) for row, column in pairs if column < width]

    def good(self) -> list[tuple[int, int, int]]:
        """For batches too large for the best: each ticket in line takes the cheapest who is left.

        One pass over each row, so its time is bounded by the size of the table.
        """
        left = numpy.zeros(len(self.agents))
        pairs = []
        for row, ticket in enumerate(self.tickets):
            costs, able = self.row(ticket)
            column = int((costs + left).argmin())
            if costs[column] + left[column] < NEVER:
                pairs.append((row, column, able))
                left[column] = NEVER
        return pairs

    def row(self, ticket: WaitingTicket) -> Row:
        lane = self.lane(ticket)
        row = numpy.full(len(self.agents), NEVER)
        row[lane.columns] = lane.costs
        never = (ticket.blocked | ticket.offered_to | ticket.declined_by) & self.column.keys()
        row[[self.column[who] for who in never]] = NEVER
        if ticket.known_by:
            row += self.policy.no_prior_contact
            row[[self.column[who] for who in ticket.known_by & self.column.keys()]] -= (
                self.policy.no_prior_contact
            )
        again = ticket.timed_out_by & self.column.keys()
        row[[self.column[who] for who in again]] += self.policy.asked_before
        return Row(row, int(numpy.isfinite(row).sum()))

    def lane(self, ticket: WaitingTicket) -> Lane:
        """Who can serve what this ticket asks for: found once for all its lane."""
        name = ticket.lane
        if name not in self._lanes:
            self._lanes[name] = self._find(ticket)
        return self._lanes[name]

    def _find(self, ticket: WaitingTicket) -> Lane:
        columns, costs = [], []
        for column in self.speakers[ticket.language]:
            agent = self.agents[column]
            if not any(excludes(ticket, agent) for excludes in LANE_FILTERS.values()):
                columns.append(column)
                of_lane = [cost(ticket, agent, self.policy) for cost in LANE_COSTS.values()]
                costs.append(self.own[column] + sum(of_lane))
        return Lane(numpy.array(columns, dtype=int), numpy.array(costs, dtype=float))

    def match(self, row: int, column: int, candidates: int) -> Match:
        ticket, agent = self.tickets[row], self.agents[column]
        told = verdict(ticket, agent, policy=self.policy, at=self.at)
        return Match(ticket.id, agent.id, told.costs, candidates)
