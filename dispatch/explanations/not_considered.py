"""Onlookers: who else was on line when a decision was made, and why the wave did not look at them.

A wave asks the database for those who are free and able only, so whoever was not is found in the
history: presence, abilities, and what each agent held at that moment. The policy's own filters
then say which of them it was.
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

#: Able and free, but so many had been free for longer that they were not looked at.
BEYOND_LIMIT = "further"
#: Able and free by all that is kept, but their page had not been heard from.
UNRESPONSIVE = "silent"
#: Beside the filters of the policy, why somebody on line was not looked at.
OUTSIDE_POLICY = (BEYOND_LIMIT, UNRESPONSIVE)
#: No conversation lasts longer; what was offered earlier need not be looked through.
A_DAY = timedelta(days=1)


class UnconsideredAgent(NamedTuple):
    """An agent on line whom a wave did not look at for a ticket, and the first reason why."""

    agent_input: FreeAgent
    excluded_by: str
    #: The most they took at once, and what they held: all, and conversations among it.
    capacity: int
    held: int
    talking: int


class HeldSlot(NamedTuple):
    """A place taken: from the offer on, until it was settled or the work was done."""

    since: datetime
    until: datetime | None
    talking_since: datetime | None
    decision_id: UUID | None

    def at(self, moment: datetime) -> bool:
        return self.since <= moment and (self.until is None or self.until > moment)

    def talking_at(self, moment: datetime) -> bool:
        return self.talking_since is not None and self.talking_since <= moment


@dataclass(frozen=True)
class AgentHistory:
    """What some agents could do and held, over a stretch of time."""

    abilities: Mapping[UUID, Sequence[AbilitySpan]]
    held: Mapping[UUID, Sequence[HeldSlot]]

    def ability(self, agent_id: UUID, *, at: datetime) -> AbilitySpan:
        """The last row before that moment, or the oldest there is."""
        spans = self.abilities[agent_id]
        return next((span for span in reversed(spans) if span.started_at <= at), spans[0])

    def explain(self, agent_id: UUID, account: TicketExplanation) -> UnconsideredAgent | None:
        """Why the wave did not look at this agent for this ticket; None if nothing is known."""
        if agent_id not in self.abilities:
            return None
        at = account.decision.at
        known = self.ability(agent_id, at=at)
        held = [
            one
            for one in self.held.get(agent_id, ())
            if one.at(at) and one.decision_id != account.decision.pk
        ]
        able = FreeAgent(
            id=agent_id,
            idle_since=at,
            room=known.capacity - len(held),
            **snapshot.parse_abilities(" ".join(known.abilities))._asdict(),
        )
        return UnconsideredAgent(
            agent_input=able,
            excluded_by=_excluded_by(able, account),
            capacity=known.capacity,
            held=len(held),
            talking=sum(one.talking_at(at) for one in held),
        )


def read_history(agent_ids: Collection[UUID], *, since: datetime, until: datetime) -> AgentHistory:
    """The history of these agents, in two queries."""
    abilities: defaultdict[UUID, list[AbilitySpan]] = defaultdict(list)
    for span in AbilitySpan.objects.filter(agent__in=agent_ids).order_by("started_at", "pk"):
        abilities[span.agent_id].append(span)
    held: defaultdict[UUID, list[HeldSlot]] = defaultdict(list)
    for agent_id, sent_at, settled_at, started_at, finished_at, decision_id in _places(
        agent_ids, since=since, until=until
    ):
        # An accepted offer's place is held until its work is done.
        ended_at = finished_at if started_at else settled_at
        held[agent_id].append(HeldSlot(sent_at, ended_at, started_at, decision_id))
    return AgentHistory(abilities, held)


def list_unconsidered(account: TicketExplanation) -> list[UnconsideredAgent]:
    """Everybody who was available at that moment and whom the wave did not look at. Three
    queries, however many they are."""
    at = account.decision.at
    seen = [one.agent_input.id for one in account.candidates]
    spans = PresenceSpan.objects.filter(
        Q(ended_at=None) | Q(ended_at__gt=at),
        status=Presence.Status.AVAILABLE,
        started_at__lte=at,
    )
    others = set(spans.exclude(agent__in=seen).values_list("agent", flat=True))
    known = read_history(others, since=at, until=at)
    found = (known.explain(agent_id, account) for agent_id in sorted(others))
    return [one for one in found if one]


def _places(
    agent_ids: Collection[UUID], *, since: datetime, until: datetime
) -> Collection[tuple[UUID, datetime, datetime | None, datetime | None, datetime | None, UUID]]:
    """Offers that held a place then, and the conversations that came of them."""
    offers = Offer.objects.filter(
        Q(settled_at=None)
        | Q(settled_at__gt=since)
        | Q(assignment__isnull=False, assignment__finished_at=None)
        | Q(assignment__finished_at__gt=since),
        agent__in=agent_ids,
        sent_at__gt=since - A_DAY,
        sent_at__lte=until,
    )
    return offers.values_list(
        "agent_id", "sent_at", "settled_at", "assignment__started_at",
        "assignment__finished_at", "decision_id",
    )  # fmt: skip


def _excluded_by(agent: FreeAgent, account: TicketExplanation) -> str:
    """The policy's filter; else they stood further down the line, or their page was silent."""
    told = verdict(account.ticket, agent, policy=account.policy, at=account.decision.at)
    if told.excluded_by:
        return told.excluded_by
    seen = sum(
        not any(excludes(account.ticket, one.agent_input) for excludes in LANE_FILTERS.values())
        for one in account.candidates
    )
    return BEYOND_LIMIT if seen >= account.lane + limits.MIN_CHOICE else UNRESPONSIVE
