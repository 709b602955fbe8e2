"""Decisions replayed: the same snapshot matched again, and every agent's costs or exclusion.

Everything here is computed from the snapshot a decision stores and the policy version it names, so
an explanation is what happened, not a guess.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple
from uuid import UUID

from dispatch import policies
from dispatch.models import Decision
from dispatch.rules.policy import (
    FreeAgent,
    Policy,
    Verdict,
    WaitingTicket,
    unassigned_penalty,
    verdict,
)
from dispatch.waves import wave
from dispatch.waves.snapshot import SnapshotTicket, WaveSnapshot

Pair = tuple[UUID, UUID]


class ReplayResult(NamedTuple):
    """A decision replayed: the pairs it stored and the pairs found now."""

    decision: Decision
    kept: frozenset[Pair]
    found: frozenset[Pair]

    @property
    def is_same(self) -> bool:
        return self.kept == self.found

    @property
    def lost(self) -> list[Pair]:
        """The stored pairs that were not found again."""
        return sorted(self.kept - self.found)

    @property
    def new(self) -> list[Pair]:
        """The pairs found now that were not stored."""
        return sorted(self.found - self.kept)


class Candidate(NamedTuple):
    """An agent the wave considered, with the policy's verdict for one ticket."""

    agent_input: FreeAgent
    verdict: Verdict
    #: 1 is the agent of least cost; None for an excluded agent.
    rank: int | None
    #: The ticket the agent was paired with in this wave, if any.
    paired_ticket: UUID | None


@dataclass(frozen=True)
class TicketExplanation:
    """One ticket of a decision: all agents the wave considered, by cost, and the chosen one."""

    decision: Decision
    policy: Policy
    waiting: SnapshotTicket
    candidates: Sequence[Candidate]
    chosen: UUID | None
    #: The points of leaving the ticket unassigned.
    unassigned_penalty: int
    #: The number of tickets of its lane in the wave.
    lane: int

    @property
    def ticket(self) -> WaitingTicket:
        return self.waiting.ticket_input

    @property
    def ranked(self) -> list[Candidate]:
        """The agents who could serve the ticket, by rising cost."""
        return [one for one in self.candidates if one.rank is not None]

    @property
    def excluded(self) -> list[Candidate]:
        return [one for one in self.candidates if one.rank is None]

    def find_candidate(self, agent_id: UUID) -> Candidate | None:
        """This agent as a candidate; None if the wave did not consider them."""
        return next((one for one in self.candidates if one.agent_input.id == agent_id), None)

    def list_ahead_of(self, candidate: Candidate) -> list[Candidate]:
        """The candidates of better rank."""
        assert candidate.rank is not None
        return [one for one in self.ranked if one.rank and one.rank < candidate.rank]


class DecisionReplay:
    """A decision with its snapshot parsed once, to replay it and to explain its tickets."""

    def __init__(self, decision: Decision) -> None:
        self.decision = decision
        self.policy = policies.read_version(decision.policy_id)

    @cached_property
    def snapshot(self) -> WaveSnapshot:
        return WaveSnapshot.from_json(self.decision.decompress())

    @cached_property
    def ticket_by_agent(self) -> Mapping[UUID, UUID]:
        """The ticket each agent was paired with."""
        return {UUID(agent): UUID(ticket) for ticket, agent in self.decision.pairs}

    @property
    def tickets(self) -> list[UUID]:
        """The ids of the tickets in the snapshot, the earliest due first."""
        seen = sorted(
            self.snapshot.waiting, key=lambda one: (one.ticket_input.due_at, one.ticket_input.id)
        )
        return [one.ticket_input.id for one in seen]

    def replay(self) -> ReplayResult:
        """Match the same snapshot with the same policy at the same moment."""
        matches = wave.pair(self.snapshot, policy=self.policy, at=self.decision.at)
        kept = frozenset((ticket, agent) for agent, ticket in self.ticket_by_agent.items())
        return ReplayResult(
            self.decision, kept, frozenset((one.ticket, one.agent) for one in matches)
        )

    def explain(self, ticket_id: UUID) -> TicketExplanation:
        """Explain one ticket. Raises KeyError if the wave did not read it."""
        waiting = {one.ticket_input.id: one for one in self.snapshot.waiting}[ticket_id]
        lane = sum(
            one.ticket_input.lane == waiting.ticket_input.lane for one in self.snapshot.waiting
        )
        return TicketExplanation(
            decision=self.decision,
            policy=self.policy,
            waiting=waiting,
            candidates=self._candidates(waiting.ticket_input),
            chosen=next(
                (agent for agent, paired in self.ticket_by_agent.items() if paired == ticket_id),
                None,
            ),
            unassigned_penalty=unassigned_penalty(
                waiting.ticket_input, policy=self.policy, at=self.decision.at
            ),
            lane=lane,
        )

    def _candidates(self, ticket: WaitingTicket) -> list[Candidate]:
        """All agents by rising cost, then by falling idle time, as matching breaks ties."""
        paired = self.ticket_by_agent
        found = [
            (one.agent_input, self._verdict(ticket, one.agent_input)) for one in self.snapshot.free
        ]
        found.sort(key=lambda each: (
            each[1].excluded_by or "", each[1].total,
            paired.get(each[0].id) != ticket.id, each[0].idle_since,
        ))  # fmt: skip
        ranks = iter(range(1, len(found) + 1))
        return [
            Candidate(agent, why, None if why.excluded_by else next(ranks), paired.get(agent.id))
            for agent, why in found
        ]

    def _verdict(self, ticket: WaitingTicket, agent: FreeAgent) -> Verdict:
        return verdict(ticket, agent, policy=self.policy, at=self.decision.at)


def replay(decision: Decision) -> ReplayResult:
    """Replay a decision."""
    return DecisionReplay(decision).replay()


def replay_all(decisions: Iterable[Decision]) -> dict[UUID, DecisionReplay]:
    """The replay of each decision, by its id."""
    return {decision.pk: DecisionReplay(decision) for decision in decisions}
