"""Who is offered what: pure functions over plain values. No Django, no clock, no I/O.

A ticket is served by the agent who fits it best, and tickets choose in the order of urgency and of
the moment the client promised an answer by. Between agents who fit equally the one idle longest is
asked. Declines, hours worked and availability are not inputs.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
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
    free = {agent.id: agent for agent in agents}
    matches = []
    for ticket in sorted(tickets, key=precedence):
        best = choose(ticket, free.values(), policy=policy, at=at)
        if best:
            matches.append(best)
            del free[best.agent]
    return matches


def precedence(ticket: WaitingTicket) -> tuple[int, datetime, datetime, UUID]:
    """The order in which tickets choose."""
    return (-ticket.urgency, ticket.due_at, ticket.queued_at, ticket.id)


def choose(
    ticket: WaitingTicket, agents: Iterable[FreeAgent], *, policy: Policy, at: datetime
) -> Match | None:
    """The best of these agents for this ticket. None when none fits."""
    fits = [
        (agent, points)
        for agent in agents
        if (points := score(ticket, agent, policy=policy, at=at)) is not None
    ]
    if not fits:
        return None
    agent, points = min(fits, key=lambda fit: (-sum(fit[1].values()), fit[0].idle_since, fit[0].id))
    return Match(ticket.id, agent.id, points, len(fits))


def score(
    ticket: WaitingTicket, agent: FreeAgent, *, policy: Policy, at: datetime
) -> dict[str, int] | None:
    """How well this agent fits this ticket, part by part. None means never."""
    if agent.id in ticket.declined_by or ticket.language not in agent.languages:
        return None
    if any(agent.skills.get(skill, 0) < level for skill, level in ticket.skills.items()):
        return None
    points = {
        "language": agent.languages[ticket.language] * policy.language_points,
        "skill": _skill_level(ticket, agent) * policy.skill_points,
        "idle": min((at - agent.idle_since) // policy.idle_point_every, policy.most_idle_points),
    }
    if agent.id in ticket.timed_out_by:
        points["asked before"] = policy.timed_out_points
    return points


def _skill_level(ticket: WaitingTicket, agent: FreeAgent) -> int:
    """The mean proficiency in what is asked for, rounded down; 0 when nothing is."""
    if not ticket.skills:
        return 0
    return sum(agent.skills[skill] for skill in ticket.skills) // len(ticket.skills)
