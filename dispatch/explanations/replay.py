"""Decisions, looked at again: what each wave saw, run once more, and why each agent or why not.

Everything here is computed from the words a decision keeps and from the policy it names, so that
what is explained is what happened, not a guess at it.
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
    """A decision run again: the pairs that were kept, and those found now."""

    decision: Decision
    kept: frozenset[Pair]
    found: frozenset[Pair]

    @property
    def same(self) -> bool:
        return self.kept == self.found

    @property
    def lost(self) -> list[Pair]:
        """Pairs that were made and are not found again."""
        return sorted(self.kept - self.found)

    @property
    def new(self) -> list[Pair]:
        return sorted(self.found - self.kept)


class Candidate(NamedTuple):
    """An agent the wave saw, and what the policy says of them for one ticket."""

    agent_input: FreeAgent
    verdict: Verdict
    #: 1 costs the least of those who could be asked; None for who could not.
    rank: int | None
    #: The ticket they were paired with in this wave, if any.
    given: UUID | None


@dataclass(frozen=True)
class TicketExplanation:
    """One ticket of a decision: everybody the wave saw, in order of cost, and who was chosen."""

    decision: Decision
    policy: Policy
    waiting: SnapshotTicket
    candidates: Sequence[Candidate]
    chosen: UUID | None
    #: What leaving the ticket waiting would have cost.
    unassigned_penalty: int
    #: How many tickets of its lane the wave saw.
    lane: int

    @property
    def ticket(self) -> WaitingTicket:
        return self.waiting.ticket_input

    @property
    def ranked(self) -> list[Candidate]:
        """Those who could be asked, the cheapest in front."""
        return [one for one in self.candidates if one.rank is not None]

    @property
    def excluded(self) -> list[Candidate]:
        return [one for one in self.candidates if one.rank is None]

    def candidate(self, agent_id: UUID) -> Candidate | None:
        """What was found of this agent; None if the wave did not see them."""
        return next((one for one in self.candidates if one.agent_input.id == agent_id), None)

    def ahead_of(self, candidate: Candidate) -> list[Candidate]:
        """Those who could be asked and cost no more."""
        assert candidate.rank is not None
        return [one for one in self.ranked if one.rank and one.rank < candidate.rank]


class DecisionReplay:
    """A decision with its words read once, for everything that is asked of it."""

    def __init__(self, decision: Decision) -> None:
        self.decision = decision
        self.policy = policies.numbered(decision.policy_id)

    @cached_property
    def snapshot(self) -> WaveSnapshot:
        return WaveSnapshot.from_json(self.decision.decompress())

    @cached_property
    def given(self) -> Mapping[UUID, UUID]:
        """Which ticket each agent was paired with."""
        return {UUID(agent): UUID(ticket) for ticket, agent in self.decision.pairs}

    @property
    def tickets(self) -> list[UUID]:
        """Those it saw, whoever waits longest in front."""
        seen = sorted(
            self.snapshot.waiting, key=lambda one: (one.ticket_input.due_at, one.ticket_input.id)
        )
        return [one.ticket_input.id for one in seen]

    def replay(self) -> ReplayResult:
        """The same words, the same policy, the same moment: the same pairs, or something is odd."""
        matches = wave.pair(self.snapshot, policy=self.policy, at=self.decision.at)
        kept = frozenset((ticket, agent) for agent, ticket in self.given.items())
        return ReplayResult(
            self.decision, kept, frozenset((one.ticket, one.agent) for one in matches)
        )

    def explain(self, ticket_id: UUID) -> TicketExplanation:
        """Who could have had this ticket. Raises KeyError if the wave did not see it."""
        waiting = {one.ticket_input.id: one for one in self.snapshot.waiting}[ticket_id]
        lane = sum(
            one.ticket_input.lane == waiting.ticket_input.lane for one in self.snapshot.waiting
        )
        return TicketExplanation(
            decision=self.decision,
            policy=self.policy,
            waiting=waiting,
            candidates=self._candidates(waiting.ticket_input),
            chosen=next((who for who, what in self.given.items() if what == ticket_id), None),
            unassigned_penalty=unassigned_penalty(
                waiting.ticket_input, policy=self.policy, at=self.decision.at
            ),
            lane=lane,
        )

    def _candidates(self, ticket: WaitingTicket) -> list[Candidate]:
        """In order of cost; between equals whoever is idle longest, as the pairing does it."""
        told = [
            (one.agent_input, self._verdict(ticket, one.agent_input)) for one in self.snapshot.free
        ]
        told.sort(key=lambda each: (
            each[1].excluded_by or "", each[1].total,
            self.given.get(each[0].id) != ticket.id, each[0].idle_since,
        ))  # fmt: skip
        ranks = iter(range(1, len(told) + 1))
        return [
            Candidate(able, why, None if why.excluded_by else next(ranks), self.given.get(able.id))
            for able, why in told
        ]

    def _verdict(self, ticket: WaitingTicket, agent: FreeAgent) -> Verdict:
        return verdict(ticket, agent, policy=self.policy, at=self.decision.at)


def replay(decision: Decision) -> ReplayResult:
    """Run it again."""
    return DecisionReplay(decision).replay()


def replay_all(decisions: Iterable[Decision]) -> dict[UUID, DecisionReplay]:
    """Each of them, read once however many of its tickets are asked for."""
    return {decision.pk: DecisionReplay(decision) for decision in decisions}
