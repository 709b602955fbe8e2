"""What is asked of an agent, and what counts for how much: pure. No Django, no clock, no I/O.

First the filters: whoever one of them names is never asked for that ticket. Then the costs: small
named parts, each weighed by the policy. Declines, hours worked and availability are not inputs.
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
#: For so long ahead it is looked who else may be needed; those of this time tell how many come.
LOOK_AHEAD, LOOK_BACK = 2 * MINUTE, 15 * MINUTE


@dataclass(frozen=True)
class Policy:
    """What counts for how much: weights in points, spans in seconds.

    A weight is what the worst case costs; the best case costs nothing.
    """

    version: int = 0
    #: For every minute past the promise, and so for every minute of waiting.
    waiting: int = 10
    #: For each step of urgency: two minutes' head start.
    urgency: int = 20
    language: int = 20
    skill: int = 5
    #: For not being the agent who knows this customer, when somebody does.
    no_prior_contact: int = 80
    quality: int = 20
    #: What counts as quality, in per cent, while there are too few reviews to say.
    quality_unknown: int = 75
    idle: int = 60
    #: Who has been idle for this long has waited long enough: costs nothing.
    idle_enough: int = 2400
    #: For what they are likely to be needed for soon, since few who can do it are free.
    scarce: int = 150
    workload_today: int = 15
    #: So many conversations today are a full day's share.
    full_workload: int = 20
    #: For having let this very offer time out, or said "not now".
    asked_before: int = 500
    #: What leaving a ticket waiting costs at least: more than any pair, so that nobody waits
    #: while somebody able is free.
    unassigned_penalty: int = 100_000
    #: Each time a ticket has waited so many per cent of the client's promise, each level it asks
    #: for is one lower, never below 1. Late and little, because what is asked for is what helps.
    lower_levels_at: tuple[int, ...] = (100, 200)
    #: For so long an offer is made to one agent only; then another is asked too.
    exclusive_for: int = 20
    max_parallel_offers: int = 3

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        return cls(**{**stored, "lower_levels_at": tuple(stored["lower_levels_at"])})

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def head_start(self, urgency: int) -> timedelta:
        """How much earlier than promised a ticket of this urgency counts as due."""
        return self.urgency * urgency * MINUTE / max(self.waiting, 1)

    def lowers_after(self, promise: timedelta) -> list[timedelta]:
        """After which waits levels are lowered, where the client promised to answer within this."""
        return [promise * percent / 100 for percent in self.lower_levels_at]

    def asked_for(
        self, skills: Mapping[str, int], steps: int, *, gives_way: Collection[str] = ()
    ) -> dict[str, int]:
        """The levels still asked for after so many steps of lowering."""
        last = 0 < len(self.lower_levels_at) <= steps
        return lower_levels(skills, steps, dropped=gives_way if last else ())


@dataclass(frozen=True)
class WaitingTicket:
    """A ticket that may be offered. `skills` maps each skill to its least proficiency."""

    id: UUID
    language: str
    queued_at: datetime
    due_at: datetime
    urgency: int = 1
    skills: Mapping[str, int] = field(default_factory=dict)
    #: What the client asks of every agent, beside skills.
    certificate: str = ""
    #: Those who have it on their screen at this moment.
    offered_to: frozenset[UUID] = frozenset()
    declined_by: frozenset[UUID] = frozenset()
    #: They may be asked again, after everybody else.
    timed_out_by: frozenset[UUID] = frozenset()
    blocked: frozenset[UUID] = frozenset()
    known_by: frozenset[UUID] = frozenset()

    @property
    def lane(self) -> Hashable:
        """Tickets that ask for the same can be served by the same agents, equally well."""
        return (self.language, tuple(sorted(self.skills.items())), self.certificate)


@dataclass(frozen=True)
class FreeAgent:
    """An agent with room for one more. Proficiencies are 1 to 5."""

    id: UUID
    languages: Mapping[str, int]
    skills: Mapping[str, int]
    idle_since: datetime
    certificates: frozenset[str] = frozenset()
    #: Conversations they could still take.
    room: int = 1
    worked_today: int = 0
    reviews: int = 0
    good_reviews: int = 0
    #: For each of `things` they can do, how likely everybody free for it is needed soon, in
    #: thousandths. The same for all who can do it.
    scarcity: Mapping[str, int] = field(default_factory=dict)


class Verdict(NamedTuple):
    """What the policy says of an agent for a ticket: why never, or what it would cost."""

    excluded_by: str | None
    costs: Mapping[str, int]

    @property
    def total(self) -> int:
        return sum(self.costs.values())


Filter = Callable[[WaitingTicket, FreeAgent], bool]
Cost = Callable[[WaitingTicket, FreeAgent, Policy], int]
AgentCost = Callable[[FreeAgent, Policy, datetime], int]

#: Why an agent can't serve a lane: the same for all its tickets.
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
#: Why an agent isn't asked for one ticket.
PAIR_FILTERS: dict[str, Filter] = {
    "blocked": lambda ticket, agent: agent.id in ticket.blocked,
    "asked": lambda ticket, agent: agent.id in ticket.offered_to,
    "declined": lambda ticket, agent: agent.id in ticket.declined_by,
}


def _language(ticket: WaitingTicket, agent: FreeAgent, policy: Policy) -> int:
    return policy.language * (BEST - agent.languages[ticket.language]) // (BEST - 1)


def _skill(ticket: WaitingTicket, agent: FreeAgent, policy: Policy) -> int:
    """The mean distance to the best in what is asked for; nothing when nothing is."""
    if not ticket.skills:
        return 0
    missing = sum(BEST - agent.skills[skill] for skill in ticket.skills)
    return policy.skill * missing // ((BEST - 1) * len(ticket.skills))


def _scarce(ticket: WaitingTicket, agent: FreeAgent, policy: Policy) -> int:
    """How likely they are needed soon, each thing they can do added up."""
    return policy.scarce * min(sum(agent.scarcity.values()), 1000) // 1000


def _quality(agent: FreeAgent, policy: Policy, at: datetime) -> int:
    """What is certain of their reviews at least; a usual figure while there are too few."""
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


#: The same for all tickets of a lane.
LANE_COSTS: dict[str, Cost] = {"language": _language, "skill": _skill, "scarce": _scarce}
#: The same for all tickets.
AGENT_COSTS: dict[str, AgentCost] = {
    "quality": _quality,
    "idle": _idle,
    "workload_today": _workload_today,
}
#: Of one ticket only.
PAIR_COSTS: dict[str, Cost] = {"no_prior_contact": _no_prior_contact, "asked_before": _asked_before}


def verdict(ticket: WaitingTicket, agent: FreeAgent, *, policy: Policy, at: datetime) -> Verdict:
    """Why never, or every part of the cost."""
    for name, excludes in {**LANE_FILTERS, **PAIR_FILTERS}.items():
        if excludes(ticket, agent):
            return Verdict(name, {})
    costs = {name: cost(ticket, agent, policy) for name, cost in LANE_COSTS.items()}
    costs |= {name: cost(agent, policy, at) for name, cost in AGENT_COSTS.items()}
    costs |= {name: cost(ticket, agent, policy) for name, cost in PAIR_COSTS.items()}
    return Verdict(None, costs)


def unassigned_penalty(ticket: WaitingTicket, *, policy: Policy, at: datetime) -> int:
    """What leaving this ticket waiting costs, in points: more with every second it waits.

    However early, it stays above what any pair may cost (`dispatch.models.policies.MOST_POINTS`).
    """
    overdue = at - (ticket.due_at - policy.head_start(ticket.urgency))
    points = policy.unassigned_penalty + int(policy.waiting * (overdue / MINUTE))
    return min(max(points, policy.unassigned_penalty * 3 // 4), policy.unassigned_penalty * 8)


def lower_levels(
    skills: Mapping[str, int], steps: int, *, dropped: Collection[str] = ()
) -> dict[str, int]:
    """What is asked for after so many steps: each level lower by one a step, never below 1.

    Skills in `dropped` are not asked for any more.
    """
    return {skill: max(level - steps, 1) for skill, level in skills.items() if skill not in dropped}


def expected_arrivals(share: float, rate: float) -> float:
    """How many ask for something soon, where this share of all does and so many come a second."""
    return share * rate * LOOK_AHEAD.total_seconds()


def scarcity(expected: float, places: int) -> int:
    """How likely whoever can do something is needed for it soon, in thousandths.

    That is how likely as many ask for it as there are places with those who are free for it, where
    so many are expected to ask and come by chance: P(N ≥ places), N of Poisson's distribution.
    """
    # Loaded only where waves are run; see `dispatch.rules.matching`.
    from scipy.special import pdtrc

    return round(1000 * float(pdtrc(max(places, 1) - 1, expected)))


def required_capabilities(language: str, skills: Iterable[str]) -> list[str]:
    """The things a ticket asks for: each skill in its language, or the language alone."""
    return [f"{language} {skill}" for skill in skills] or [f"{language} "]


def capabilities(languages: Iterable[str], skills: Iterable[str]) -> list[str]:
    """All that somebody can do and may be asked for, in the words of `asked_for`."""
    return [f"{language} {skill}" for language in languages for skill in ("", *skills)]


def demand_shares(asked: Iterable[tuple[Iterable[str], int]]) -> dict[str, float]:
    """Of all who ask, the share that asks for each thing. Given is how many ask for what."""
    counted: Counter[str] = Counter()
    every = 0
    for these, many in asked:
        counted.update(dict.fromkeys(these, many))
        every += many
    return {thing: many / every for thing, many in counted.items()}


#: What an agent is judged by, and nothing else: the test of the allow-list reads this.
INPUTS = frozenset(each.name for each in fields(FreeAgent))
