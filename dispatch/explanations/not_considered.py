"""Agents who were online when a decision was made but whom the wave did not consider, and why.

A wave reads only agents who are free and qualified. To say why another agent was not considered,
we rebuild their state from the history tables: presence, abilities and the conversations and
offers they held. Then we apply the policy's filters to it.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.db.models import Q

from agents.models import AbilitySpan, Presence, PresenceSpan
from dispatch.explanations.replay import TicketExplanation
from dispatch.models import Offer
from dispatch.rules import limits
from dispatch.rules.policy import LANE_FILTERS, FreeAgent, verdict
from dispatch.waves import snapshot

#: The agent was free and qualified, but enough others had been free for longer.
BEYOND_LIMIT = "further"
#: The agent was free and qualified, but their page had sent no heartbeat.
UNRESPONSIVE = "silent"
#: The reasons that are no filter of the policy.
OUTSIDE_POLICY = (BEYOND_LIMIT, UNRESPONSIVE)
#: No conversation lasts longer, so older offers need not be read.
MAX_CONVERSATION = timedelta(days=1)


class UnconsideredAgent(NamedTuple):
    """An agent whom a wave did not consider for a ticket, and the first reason why."""

    agent_input: FreeAgent
    excluded_by: str
    #: Their limit, the places they held by offers and conversations, and the conversations alone.
    capacity: int
    held: int
    talking: int


class HeldSlot(NamedTuple):
    """A place an agent held: from the offer until it was settled or its conversation finished."""

    since: datetime
    until: datetime | None
    talking_since: datetime | None
    decision_id: UUID | None

    def is_held_at(self, moment: datetime) -> bool:
        return self.since <= moment and (self.until is None or self.until > moment)

    def is_talking_at(self, moment: datetime) -> bool:
        return self.talking_since is not None and self.talking_since <= moment


@dataclass(frozen=True)
class AgentHistory:
    """The abilities and the held places of some agents, over a stretch of time."""

    abilities: Mapping[UUID, Sequence[AbilitySpan]]
    held: Mapping[UUID, Sequence[HeldSlot]]

    def find_abilities(self, agent_id: UUID, *, at: datetime) -> AbilitySpan:
        """The abilities at that moment, or the oldest known ones."""
        spans = self.abilities[agent_id]
        return next((span for span in reversed(spans) if span.started_at <= at), spans[0])

    def explain(self, agent_id: UUID, explanation: TicketExplanation) -> UnconsideredAgent | None:
        """Why the wave did not consider this agent for this ticket; None without any history."""
        if agent_id not in self.abilities:
            return None
        at = explanation.decision.at
        known = self.find_abilities(agent_id, at=at)
        held = [
            slot
            for slot in self.held.get(agent_id, ())
            if slot.is_held_at(at) and slot.decision_id != explanation.decision.pk
        ]
        agent = FreeAgent(
            id=agent_id,
            idle_since=at,
            room=known.capacity - len(held),
            **snapshot.parse_abilities(" ".join(known.abilities))._asdict(),
        )
        return UnconsideredAgent(
            agent_input=agent,
            excluded_by=_find_exclusion(agent, explanation),
            capacity=known.capacity,
            held=len(held),
            talking=sum(slot.is_talking_at(at) for slot in held),
        )


def read_history(agent_ids: Collection[UUID], *, since: datetime, until: datetime) -> AgentHistory:
    """The history of these agents, in two queries."""
    abilities: defaultdict[UUID, list[AbilitySpan]] = defaultdict(list)
    for span in AbilitySpan.objects.filter(agent__in=agent_ids).order_by("started_at", "pk"):
        abilities[span.agent_id].append(span)
    held: defaultdict[UUID, list[HeldSlot]] = defaultdict(list)
    for agent_id, sent_at, settled_at, started_at, finished_at, decision_id in _read_slots(
        agent_ids, since=since, until=until
    ):
        # The agent holds the place of an accepted offer until its conversation is finished.
        ended_at = finished_at if started_at else settled_at
        held[agent_id].append(HeldSlot(sent_at, ended_at, started_at, decision_id))
    return AgentHistory(abilities, held)


def list_unconsidered(explanation: TicketExplanation) -> list[UnconsideredAgent]:
    """The agents who were available at that moment but whom the wave did not consider.

    Three queries, however many agents there are.
    """
    at = explanation.decision.at
    seen = [candidate.agent_input.id for candidate in explanation.candidates]
    spans = PresenceSpan.objects.filter(
        Q(ended_at=None) | Q(ended_at__gt=at),
        status=Presence.Status.AVAILABLE,
        started_at__lte=at,
    )
    others = set(spans.exclude(agent__in=seen).values_list("agent", flat=True))
    known = read_history(others, since=at, until=at)
    found = (known.explain(agent_id, explanation) for agent_id in sorted(others))
    return [agent for agent in found if agent]


def _read_slots(
    agent_ids: Collection[UUID], *, since: datetime, until: datetime
) -> Collection[tuple[UUID, datetime, datetime | None, datetime | None, datetime | None, UUID]]:
    """The offers that held a place in this time, with their conversations, in one query."""
    offers = Offer.objects.filter(
        Q(settled_at=None)
        | Q(settled_at__gt=since)
        | Q(assignment__isnull=False, assignment__finished_at=None)
        | Q(assignment__finished_at__gt=since),
        agent__in=agent_ids,
        sent_at__gt=since - MAX_CONVERSATION,
        sent_at__lte=until,
    )
    return offers.values_list(
        "agent_id", "sent_at", "settled_at", "assignment__started_at",
        "assignment__finished_at", "decision_id",
    )  # fmt: skip


def _find_exclusion(agent: FreeAgent, explanation: TicketExplanation) -> str:
    """The policy's filter that excludes this agent, or else one of OUTSIDE_POLICY."""
    result = verdict(
        explanation.ticket, agent, policy=explanation.policy, at=explanation.decision.at
    )
    if result.excluded_by:
        return result.excluded_by
    seen = sum(
        not any(
            excludes(explanation.ticket, candidate.agent_input)
            for excludes in LANE_FILTERS.values()
        )
        for candidate in explanation.candidates
    )
    return BEYOND_LIMIT if seen >= explanation.lane + limits.MIN_CHOICE else UNRESPONSIVE
