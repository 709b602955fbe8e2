"""The filters and costs of matching: pure. No Django, no clock, no I/O.

A filter excludes an agent from a ticket. A cost gives points to a pair of ticket and agent,
weighed by the policy. Declines, hours worked and availability are not inputs.
"""

from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Self
from uuid import UUID

from dispatch.rules.rating_bound import LEAST_REVIEWS, wilson_lower_bound

BEST = 5
MINUTE = timedelta(minutes=1)
#: Scarcity looks this far ahead, and estimates the arrival rate from this far back.
LOOK_AHEAD, LOOK_BACK = 2 * MINUTE, 15 * MINUTE


@dataclass(frozen=True)
class Policy:
    """The settings of matching: weights in points, durations in seconds.

    A weight is the cost of the worst case. The best case costs nothing.
    """

    version: int = 0
    #: Points per minute past the promised time, and so per minute of waiting.
    waiting: int = 10
    #: Points per step of urgency. By default a step is worth two minutes of waiting.
    urgency: int = 20
    language: int = 20
    skill: int = 5
    #: For an agent who does not know this customer, if another agent does.
    no_prior_contact: int = 80
    quality: int = 20
    #: The quality, in per cent, of an agent with too few reviews.
    quality_unknown: int = 75
    idle: int = 60
    #: An agent idle for this many seconds costs nothing for idle time.
    idle_enough: int = 2400
    #: For an agent with other skills that are likely to be needed soon while few have them.
    scarce: int = 150
    workload_today: int = 15
    #: Conversations a day from which `workload_today` costs its whole weight.
    full_workload: int = 20
    #: For an agent who let an offer of this ticket time out, or said "not now" to it.
    asked_before: int = 500
    #: For leaving a ticket unassigned when it is due. It exceeds the cost of any pair, so no ticket
    #: waits while an agent who can serve it is free.
    unassigned_penalty: int = 100_000
    #: Required levels drop by one, never below 1, each time the wait reaches one of these
    #: percentages of the client's promise. Late, because the customer needs those levels.
    lower_levels_at: tuple[int, ...] = (100, 200)
    #: Seconds during which one agent alone has an offer. Then it goes to another agent too.
    exclusive_for: int = 20
    max_parallel_offers: int = 3

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        return cls(**{**stored, "lower_levels_at": tuple(stored["lower_levels_at"])})

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def head_start(self, urgency: int) -> timedelta:
        """The time by which a ticket of this urgency counts as due before its promise."""
        return self.urgency * urgency * MINUTE / max(self.waiting, 1)

    def lowering_waits(self, promise: timedelta) -> list[timedelta]:
        """The waits after which levels are lowered, for a client who promises this answer time."""
        return [promise * percent / 100 for percent in self.lower_levels_at]

    def lower_skills(
        self, skills: Mapping[str, int], steps: int, *, gives_way: Collection[str] = ()
    ) -> dict[str, int]:
        """The required levels after these steps. The last step drops the skills in `gives_way`."""
        last = 0 < len(self.lower_levels_at) <= steps
        return lower_levels(skills, steps, dropped=gives_way if last else ())


@dataclass(frozen=True)
class WaitingTicket:
    """A ticket that may be offered. `skills` maps each required skill to its lowest level."""

    id: UUID
    language: str
    queued_at: datetime
    due_at: datetime
    urgency: int = 1
    skills: Mapping[str, int] = field(default_factory=dict)
    #: The certificate the client requires of every agent; empty if none.
    certificate: str = ""
    #: Agents with a pending offer of this ticket.
    offered_to: frozenset[UUID] = frozenset()
    declined_by: frozenset[UUID] = frozenset()
    #: These agents may be offered it again, at the cost `asked_before`.
    timed_out_by: frozenset[UUID] = frozenset()
    blocked: frozenset[UUID] = frozenset()
    known_by: frozenset[UUID] = frozenset()

    @property
    def lane(self) -> Hashable:
        """The requirements. The same agents can serve all tickets of a lane, equally well."""
        return (self.language, tuple(sorted(self.skills.items())), self.certificate)


@dataclass(frozen=True)
class FreeAgent:
    """An agent with room for one more conversation. Levels are 1 to 5."""

    id: UUID
    languages: Mapping[str, int]
    skills: Mapping[str, int]
    idle_since: datetime
    certificates: frozenset[str] = frozenset()
    #: Conversations the agent could still take.
    room: int = 1
    worked_today: int = 0
    reviews: int = 0
    good_reviews: int = 0
    #: For each capability, the probability that all agents free for it are needed soon, in
    #: thousandths. The same for all agents who have it.
    scarcity: Mapping[str, int] = field(default_factory=dict)


class Verdict(NamedTuple):
    """The filter that excludes an agent from a ticket, or the points of each cost."""

    excluded_by: str | None
    costs: Mapping[str, int]

    @property
    def total(self) -> int:
        return sum(self.costs.values())


Filter = Callable[[WaitingTicket, FreeAgent], bool]
Cost = Callable[[WaitingTicket, FreeAgent, Policy], int]
AgentCost = Callable[[FreeAgent, Policy, datetime], int]

#: Filters that give the same result for all tickets of a lane.
LANE_FILTERS: dict[str, Filter] = {
    "language": lambda ticket, agent: ticket.language not in agent.languages,
    "skill": lambda ticket, agent: any(
        agent.skills.get(skill, 0) < level for skill, level in ticket.skills.items()
    ),
    "certificate": lambda ticket, agent: bool(
        ticket.certificate and ticket.certificate not in agent.certificates
    ),
    "capacity": lambda ticket, agent: agent.room < 1,
}
#: Filters of one ticket.
PAIR_FILTERS: dict[str, Filter] = {
    "blocked": lambda ticket, agent: agent.id in ticket.blocked,
    "asked": lambda ticket, agent: agent.id in ticket.offered_to,
    "declined": lambda ticket, agent: agent.id in ticket.declined_by,
}


def _language(ticket: WaitingTicket, agent: FreeAgent, policy: Policy) -> int:
    return policy.language * (BEST - agent.languages[ticket.language]) // (BEST - 1)


def _skill(ticket: WaitingTicket, agent: FreeAgent, policy: Policy) -> int:
    """The mean distance from the best level over the required skills; 0 without any."""
    if not ticket.skills:
        return 0
    missing = sum(BEST - agent.skills[skill] for skill in ticket.skills)
    return policy.skill * missing // ((BEST - 1) * len(ticket.skills))


def _scarce(ticket: WaitingTicket, agent: FreeAgent, policy: Policy) -> int:
    """The sum, over the agent's other capabilities, of the probability that each is needed soon."""
    return policy.scarce * min(sum(agent.scarcity.values()), 1000) // 1000


def _quality(agent: FreeAgent, policy: Policy, at: datetime) -> int:
    """The Wilson lower bound of good reviews; `quality_unknown` with fewer than LEAST_REVIEWS."""
    if agent.reviews < LEAST_REVIEWS:
        return policy.quality * (100 - policy.quality_unknown) // 100
    return round(policy.quality * (1 - wilson_lower_bound(agent.good_reviews, agent.reviews)))


def _idle(agent: FreeAgent, policy: Policy, at: datetime) -> int:
    idle = (at - agent.idle_since).total_seconds()
    return policy.idle - int(policy.idle * min(max(idle / policy.idle_enough, 0), 1))


def _workload_today(agent: FreeAgent, policy: Policy, at: datetime) -> int:
    return (
        policy.workload_today
        * min(agent.worked_today, policy.full_workload)
        // policy.full_workload
    )


def _no_prior_contact(ticket: WaitingTicket, agent: FreeAgent, policy: Policy) -> int:
    return policy.no_prior_contact if ticket.known_by and agent.id not in ticket.known_by else 0


def _asked_before(ticket: WaitingTicket, agent: FreeAgent, policy: Policy) -> int:
    return policy.asked_before if agent.id in ticket.timed_out_by else 0


#: Costs that are the same for all tickets of a lane.
LANE_COSTS: dict[str, Cost] = {"language": _language, "skill": _skill, "scarce": _scarce}
#: Costs that are the same for all tickets.
AGENT_COSTS: dict[str, AgentCost] = {
    "quality": _quality,
    "idle": _idle,
    "workload_today": _workload_today,
}
#: Costs of one ticket.
PAIR_COSTS: dict[str, Cost] = {"no_prior_contact": _no_prior_contact, "asked_before": _asked_before}


def verdict(ticket: WaitingTicket, agent: FreeAgent, *, policy: Policy, at: datetime) -> Verdict:
    """The first filter that excludes this agent, or all costs of the pair."""
    for name, excludes in {**LANE_FILTERS, **PAIR_FILTERS}.items():
        if excludes(ticket, agent):
            return Verdict(name, {})
    costs = {name: cost(ticket, agent, policy) for name, cost in LANE_COSTS.items()}
    costs |= {name: cost(agent, policy, at) for name, cost in AGENT_COSTS.items()}
    costs |= {name: cost(ticket, agent, policy) for name, cost in PAIR_COSTS.items()}
    return Verdict(None, costs)


def unassigned_penalty(ticket: WaitingTicket, *, policy: Policy, at: datetime) -> int:
    """The points of leaving this ticket unassigned. They rise with every second it waits.

    They stay above the cost of any pair, however early (`dispatch.models.policies.MAX_POINTS`).
    """
    overdue = at - (ticket.due_at - policy.head_start(ticket.urgency))
    points = policy.unassigned_penalty + int(policy.waiting * (overdue / MINUTE))
    return min(max(points, policy.unassigned_penalty * 3 // 4), policy.unassigned_penalty * 8)


def lower_levels(
    skills: Mapping[str, int], steps: int, *, dropped: Collection[str] = ()
) -> dict[str, int]:
    """The required levels, each lowered by one per step, never below 1, without `dropped`."""
    return {skill: max(level - steps, 1) for skill, level in skills.items() if skill not in dropped}


def expected_arrivals(share: float, rate: float) -> float:
    """The tickets expected within LOOK_AHEAD: `share` of an arrival rate in tickets a second."""
    return share * rate * LOOK_AHEAD.total_seconds()


def scarcity(expected: float, places: int) -> int:
    """The probability that all free places of a capability are needed soon, in thousandths.

    Arrivals are a Poisson process, so this is its tail P(N ≥ places) with N ~ Poisson(expected).
    """
    # Imported late, because only processes that run waves need it; see `dispatch.rules.matching`.
    from scipy.special import pdtrc

    return round(1000 * float(pdtrc(max(places, 1) - 1, expected)))


def required_capabilities(language: str, skills: Iterable[str]) -> list[str]:
    """The capabilities a ticket requires: each skill in its language, or the language alone."""
    return [f"{language} {skill}" for skill in skills] or [f"{language} "]


def capabilities(languages: Iterable[str], skills: Iterable[str]) -> list[str]:
    """All capabilities of an agent, in the form of `required_capabilities`."""
    return [f"{language} {skill}" for language in languages for skill in ("", *skills)]


def demand_shares(demand: Iterable[tuple[Iterable[str], int]]) -> dict[str, float]:
    """The share of all tickets that requires each capability.

    `demand` pairs the capabilities a kind of ticket requires with the number of such tickets.
    """
    counts: Counter[str] = Counter()
    total = 0
    for required, tickets in demand:
        counts.update(dict.fromkeys(required, tickets))
        total += tickets
    return {capability: tickets / total for capability, tickets in counts.items()}


#: The allow-list of an agent's inputs to matching. A test holds it.
INPUTS = frozenset(each.name for each in fields(FreeAgent))
