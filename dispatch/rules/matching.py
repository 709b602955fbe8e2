"""Matching: the assignment of agents to tickets that costs the least. No Django, no clock, no I/O.

The total cost is the cost of each pair plus the penalty of each unassigned ticket. The penalty
rises as a ticket waits, so no ticket is overtaken for ever. `dispatch.rules.policy` has the rules.
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
#: A larger matrix is solved greedily, because the optimal assignment would take too long.
MAX_CELLS = 1_000_000


@dataclass(frozen=True)
class Match:
    """A ticket and its agent, the points of each cost, and how many agents could have served it."""

    ticket: UUID
    agent: UUID
    costs: Mapping[str, int]
    candidates: int

    def reasons(self) -> dict[str, Any]:
        """The reasons as an offer stores them."""
        return {"costs": dict(self.costs), "candidates": self.candidates}


def match(
    tickets: Iterable[WaitingTicket],
    agents: Iterable[FreeAgent],
    *,
    policy: Policy,
    at: datetime,
) -> list[Match]:
    """Pair tickets with agents, each at most once, at the least total cost.

    Ties are broken by waiting time and idle time, then by a hash that changes each wave. The order
    of the arguments does not matter.
    """
    waiting, free = _sort_tickets(tickets, policy=policy, at=at), _sort_agents(agents, at=at)
    if not waiting or not free:
        return []
    matrix = CostMatrix(waiting, free, policy, at)
    is_small = len(waiting) * (len(waiting) + len(free)) <= MAX_CELLS
    pairs = matrix.find_optimal_pairs() if is_small else matrix.find_greedy_pairs()
    return [matrix.build_match(*pair) for pair in pairs]


def _sort_tickets(
    tickets: Iterable[WaitingTicket], *, policy: Policy, at: datetime
) -> list[WaitingTicket]:
    """Tickets by falling cost of waiting."""
    tie_breaker = _make_tie_breaker(at)
    return sorted(
        tickets,
        key=lambda ticket: (
            ticket.due_at - policy.head_start(ticket.urgency), ticket.queued_at,
            tie_breaker(ticket.id),
        ),
    )  # fmt: skip


def _sort_agents(agents: Iterable[FreeAgent], *, at: datetime) -> list[FreeAgent]:
    """Agents by falling idle time."""
    tie_breaker = _make_tie_breaker(at)
    return sorted(agents, key=lambda agent: (agent.idle_since, tie_breaker(agent.id)))


def _make_tie_breaker(at: datetime) -> Callable[[UUID], int]:
    """A hash of ids seeded with the moment, so that no id wins every tie."""
    seed = int(at.timestamp() * 1e6) & 0xFFFF_FFFF
    return lambda key: crc32(key.bytes, seed)


class Lane(NamedTuple):
    """The agents who can serve a lane, as columns of the matrix, and the cost of each."""

    columns: numpy.ndarray
    costs: numpy.ndarray


class Row(NamedTuple):
    """The cost of each agent for a ticket, infinite if excluded, and the number of candidates."""

    costs: numpy.ndarray
    candidates: int


class CostMatrix:
    """The costs of all pairs: a row per ticket, a column per agent, both in tie-breaking order."""

    def __init__(
        self,
        tickets: Sequence[WaitingTicket],
        agents: Sequence[FreeAgent],
        policy: Policy,
        at: datetime,
    ) -> None:
        self.tickets, self.agents, self.policy, self.at = tickets, agents, policy, at
        self.column = {agent.id: column for column, agent in enumerate(agents)}
        self.agent_costs = [
            sum(cost(agent, policy, at) for cost in AGENT_COSTS.values()) for agent in agents
        ]
        self.speakers: defaultdict[str, list[int]] = defaultdict(list)
        for column, agent in enumerate(agents):
            for language in agent.languages:
                self.speakers[language].append(column)
        self._lanes: dict[Hashable, Lane] = {}

    def find_optimal_pairs(self) -> list[tuple[int, int, int]]:
        """The pairs of least total cost, each as row, column and number of candidates.

        Each ticket has one more column, which stands for leaving it unassigned.
        """
        count, width = len(self.tickets), len(self.agents)
        # Scaled costs leave room for row and column numbers, which only break ties. The ticket
        # waiting longest and the agent idle longest win them.
        scale = float(1 << (count * count * (width + 1)).bit_length())
        matrix = numpy.full((count, width + count), NEVER)
        candidates = []
        for row, ticket in enumerate(self.tickets):
            costs, able = self.build_row(ticket)
            matrix[row, :width] = costs * scale + numpy.arange(width)
            penalty = unassigned_penalty(ticket, policy=self.policy, at=self.at)
            matrix[row, width + row] = penalty * scale + (count - row) * (width + 1)
            candidates.append(able)
        # scipy is imported late, because it takes a fifth of a process's start. Processes that run
        # waves import it when they start (`config.up.processes`, the scheduler's command).
        from scipy.optimize import linear_sum_assignment

        rows, columns = linear_sum_assignment(matrix)
        pairs = zip(rows.tolist(), columns.tolist(), strict=True)
        return [(row, column, candidates[row]) for row, column in pairs if column < width]

    def find_greedy_pairs(self) -> list[tuple[int, int, int]]:
        """The pairs where each ticket in turn takes the cheapest agent left.

        It reads each row once, so its time is bounded by the size of the matrix. A live
        wave never needs it: it reads too few tickets and agents (`limits`) to reach MAX_CELLS.
        """
        left = numpy.zeros(len(self.agents))
        pairs = []
        for row, ticket in enumerate(self.tickets):
            costs, able = self.build_row(ticket)
            column = int((costs + left).argmin())
            if costs[column] + left[column] < NEVER:
                pairs.append((row, column, able))
                left[column] = NEVER
        return pairs

    def build_row(self, ticket: WaitingTicket) -> Row:
        lane = self.find_lane(ticket)
        row = numpy.full(len(self.agents), NEVER)
        row[lane.columns] = lane.costs
        excluded = (ticket.blocked | ticket.offered_to | ticket.declined_by) & self.column.keys()
        row[[self.column[who] for who in excluded]] = NEVER
        if ticket.known_by:
            row += self.policy.no_prior_contact
            row[[self.column[who] for who in ticket.known_by & self.column.keys()]] -= (
                self.policy.no_prior_contact
            )
        again = ticket.timed_out_by & self.column.keys()
        row[[self.column[who] for who in again]] += self.policy.asked_before
        return Row(row, int(numpy.isfinite(row).sum()))

    def find_lane(self, ticket: WaitingTicket) -> Lane:
        """The agents who can serve this ticket's lane, computed once per lane."""
        name = ticket.lane
        if name not in self._lanes:
            self._lanes[name] = self._build_lane(ticket)
        return self._lanes[name]

    def _build_lane(self, ticket: WaitingTicket) -> Lane:
        columns, costs = [], []
        for column in self.speakers[ticket.language]:
            agent = self.agents[column]
            if not any(excludes(ticket, agent) for excludes in LANE_FILTERS.values()):
                columns.append(column)
                lane_costs = [cost(ticket, agent, self.policy) for cost in LANE_COSTS.values()]
                costs.append(self.agent_costs[column] + sum(lane_costs))
        return Lane(numpy.array(columns, dtype=int), numpy.array(costs, dtype=float))

    def build_match(self, row: int, column: int, candidates: int) -> Match:
        ticket, agent = self.tickets[row], self.agents[column]
        costs = verdict(ticket, agent, policy=self.policy, at=self.at).costs
        return Match(ticket.id, agent.id, costs, candidates)
