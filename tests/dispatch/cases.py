"""Tickets, agents and policies for the tests of the pure rules."""

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from hypothesis import strategies as st

from dispatch.rules import matching
from dispatch.rules.policy import FreeAgent, Policy, WaitingTicket

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
POLICY = Policy()


def make_waiting_ticket(**given: Any) -> WaitingTicket:
    defaults = {"id": uuid4(), "language": "en", "queued_at": NOON, "due_at": NOON}
    return WaitingTicket(**{**defaults, **given})


def make_free_agent(**given: Any) -> FreeAgent:
    defaults = {"id": uuid4(), "languages": {"en": 5}, "skills": {}, "idle_since": NOON}
    return FreeAgent(**{**defaults, **given})


def match_pairs(
    tickets: list[WaitingTicket],
    agents: list[FreeAgent],
    *,
    policy: Policy = POLICY,
    at: datetime = NOON,
) -> dict[UUID, UUID]:
    """The pairs that matching finds: the agent of each ticket."""
    found = matching.match(tickets, agents, policy=policy, at=at)
    return {one.ticket: one.agent for one in found}


class Case(NamedTuple):
    """Waiting tickets and free agents."""

    tickets: list[WaitingTicket]
    agents: list[FreeAgent]


levels = st.integers(1, 5)
skills = st.dictionaries(st.sampled_from(["a", "b"]), levels, max_size=2)
certificates = st.sampled_from(["", "", "kyc"])
policies = st.builds(
    Policy,
    **{
        name: st.integers(0, 1_000)
        for name in (
            "urgency", "language", "skill", "scarce", "no_prior_contact", "quality", "idle",
            "workload_today",
            "asked_before",
        )
    },
    waiting=st.integers(1, 1_000),
    quality_unknown=st.integers(0, 100),
    unassigned_penalty=st.integers(12_000, 1_000_000),
)  # fmt: skip


@st.composite
def cases(draw: st.DrawFn, most: int = 5) -> Case:
    """Cases in which no two agents have the same idle time and no two tickets the same wait."""
    idle = draw(st.lists(st.integers(0, 4_000), max_size=most, unique=True))
    waited = draw(st.lists(st.integers(0, 2_000), max_size=most, unique=True))
    agents = [draw(draw_agent(NOON - seconds * SECOND)) for seconds in idle]
    who = st.sampled_from(agents).map(lambda agent: agent.id) if agents else st.uuids()
    return Case([draw(draw_ticket(who, NOON - seconds * SECOND)) for seconds in waited], agents)


def draw_agent(idle_since: datetime) -> st.SearchStrategy[FreeAgent]:
    return st.builds(
        make_free_agent,
        id=st.uuids(),
        languages=st.dictionaries(st.sampled_from(["en", "fr"]), levels, min_size=1),
        skills=skills,
        idle_since=st.just(idle_since),
        certificates=st.sampled_from([frozenset(), frozenset({"kyc"})]),
        room=st.integers(0, 2),
        scarcity=st.dictionaries(st.sampled_from(["a", "b", "en", "fr"]), st.integers(1, 400)),
        worked_today=st.integers(0, 30),
        reviews=st.integers(0, 60),
        good_reviews=st.just(0),
    ).flatmap(draw_good_reviews)


def draw_good_reviews(agent: FreeAgent) -> st.SearchStrategy[FreeAgent]:
    facts = vars(agent)
    return st.integers(0, agent.reviews).map(
        lambda good: FreeAgent(**{**facts, "good_reviews": good})
    )


def draw_ticket(who: st.SearchStrategy[UUID], queued_at: datetime) -> st.SearchStrategy[Any]:
    some = st.frozensets(who, max_size=2)
    return st.builds(
        make_waiting_ticket,
        id=st.uuids(),
        language=st.sampled_from(["en", "fr", "el"]),
        urgency=st.integers(0, 2),
        queued_at=st.just(queued_at),
        due_at=st.integers(-60, 300).map(lambda seconds: queued_at + seconds * SECOND),
        skills=skills,
        certificate=certificates,
        offered_to=some,
        declined_by=some,
        timed_out_by=some,
        blocked=some,
        known_by=some,
    )
