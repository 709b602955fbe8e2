"""Who is offered what: pure functions over plain values. No Django, no clock, no I/O.

A ticket is served by the agent who fits it best, and tickets choose in the order of urgency and of
the moment the client promised an answer by. Between agents who fit equally the one idle longest is
asked. Declines, hours worked and availability are not inputs.
"""

from collections.abc import Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID


@dataclass(frozen=True)
class WaitingTicket:
    """A ticket without a pending offer. `skills` maps each skill to its least proficiency."""

    id: UUID
    language: str
    queued_at: datetime
    due_at: datetime
    urgency: int = 1
    skills: Mapping[str, int] = field(default_factory=dict)
    declined_by: frozenset[UUID] = frozenset()
    timed_out_by: frozenset[UUID] = frozenset()

    @property
    def lane(self) -> Hashable:
        """Tickets that ask for the same can be served by the same agents, equally well."""
        return (self.language, tuple(sorted(self.skills.items())))


@dataclass(frozen=True)
class FreeAgent:
    """An agent with room for one more. Proficiencies are 1 to 5."""

    id: UUID
    languages: Mapping[str, int]
    skills: Mapping[str, int]
    idle_since: datetime


@dataclass(frozen=True)
class Policy:
    """What fits count for, in points. A point of idleness is earned every `idle_point_every`."""

    language_points: int = 10
    skill_points: int = 10
    idle_point_every: timedelta = timedelta(minutes=2)
    most_idle_points: int = 20
    #: More than all else adds up to, so that they are asked last.
    timed_out_points: int = -1000


class Fit(NamedTuple):
    """An agent who can serve a lane, and how well: the points of each part."""

    agent: FreeAgent
    points: Mapping[str, int]


@dataclass(frozen=True)
class Match:
    """A pairing, and why: the points of each part of the fit."""

    ticket: UUID
    agent: UUID
    points: Mapping[str, int]
    candidates: int

    def reasons(self) -> dict[str, Any]:
        return {"points": dict(self.points), "candidates": self.candidates}


def match(
    tickets: Iterable[WaitingTicket],
    agents: Iterable[FreeAgent],
    *,
    policy: Policy,
    at: datetime,
) -> list[Match]:
    """Pair tickets with agents, each at most once, the most urgent and longest due first."""
    able = list(agents)
    ranked: dict[Hashable, list[Fit]] = {}
    taken: set[UUID] = set()
    matches = []
    for ticket in sorted(tickets, key=precedence):
        if (lane := ticket.lane) not in ranked:
            ranked[lane] = rank(ticket, able, policy=policy, at=at)
        if best := choose(ticket, ranked[lane], taken, policy=policy):
            matches.append(best)
            taken.add(best.agent)
    return matches


def precedence(ticket: WaitingTicket) -> tuple[int, datetime, datetime, UUID]:
    """The order in which tickets choose."""
    return (-ticket.urgency, ticket.due_at, ticket.queued_at, ticket.id)


def rank(
    ticket: WaitingTicket, agents: Iterable[FreeAgent], *, policy: Policy, at: datetime
) -> list[Fit]:
    """Those who can serve what this ticket asks for, the best first: the same for all its lane."""
    fits = [
        Fit(agent, points)
        for agent in agents
        if (points := score(ticket, agent, policy=policy, at=at)) is not None
    ]
    return sorted(
        fits, key=lambda fit: (-sum(fit.points.values()), fit.agent.idle_since, fit.agent.id)
    )


def choose(
    ticket: WaitingTicket, fits: Iterable[Fit], taken: Collection[UUID], *, policy: Policy
) -> Match | None:
    """The best of them who is left for this ticket. None when nobody is.

    Whoever declined it is never asked again; whoever let it time out only when nobody else fits.
    """
    left = [
        fit for fit in fits if fit.agent.id not in taken and fit.agent.id not in ticket.declined_by
    ]
    if not left:
        return None
    fresh = (fit for fit in left if fit.agent.id not in ticket.timed_out_by)
    if best := next(fresh, None):
        return Match(ticket.id, best.agent.id, best.points, len(left))
    points = {**left[0].points, "asked before": policy.timed_out_points}
    return Match(ticket.id, left[0].agent.id, points, len(left))


def score(
    ticket: WaitingTicket, agent: FreeAgent, *, policy: Policy, at: datetime
) -> dict[str, int] | None:
    """How well this agent fits what the ticket asks for, part by part. None means never."""
    if ticket.language not in agent.languages:
        return None
    if any(agent.skills.get(skill, 0) < level for skill, level in ticket.skills.items()):
        return None
    return {
        "language": agent.languages[ticket.language] * policy.language_points,
        "skill": _skill_level(ticket, agent) * policy.skill_points,
        "idle": min((at - agent.idle_since) // policy.idle_point_every, policy.most_idle_points),
    }


def _skill_level(ticket: WaitingTicket, agent: FreeAgent) -> int:
    """The mean proficiency in what is asked for, rounded down; 0 when nothing is."""
    if not ticket.skills:
        return 0
    return sum(agent.skills[skill] for skill in ticket.skills) // len(ticket.skills)
