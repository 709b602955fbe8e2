"""The pure rule: who is offered what."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from hypothesis import given, settings
from hypothesis import strategies as st

from dispatch import matching
from dispatch.matching import FreeAgent, Policy, WaitingTicket

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
POLICY = Policy()


def a_ticket(**given: Any) -> WaitingTicket:
    defaults = {"id": uuid4(), "language": "en", "queued_at": NOON, "due_at": NOON}
    return WaitingTicket(**{**defaults, **given})


def an_agent(**given: Any) -> FreeAgent:
    defaults = {"id": uuid4(), "languages": {"en": 5}, "skills": {}, "idle_since": NOON}
    return FreeAgent(**{**defaults, **given})


def pairs(tickets: list[WaitingTicket], agents: list[FreeAgent]) -> dict[UUID, UUID]:
    found = matching.match(tickets, agents, policy=POLICY, at=NOON)
    return {one.ticket: one.agent for one in found}


def test_an_agent_is_never_asked_in_a_language_they_do_not_speak() -> None:
    ticket, agent = a_ticket(language="fr"), an_agent(languages={"en": 5, "de": 5})

    assert pairs([ticket], [agent]) == {}


def test_an_agent_without_the_skill_is_never_asked() -> None:
    ticket, agent = a_ticket(skills={"cards": 1}), an_agent(skills={"loans": 5})

    assert pairs([ticket], [agent]) == {}


def test_an_agent_below_the_level_asked_for_is_never_asked() -> None:
    ticket, agent = a_ticket(skills={"cards": 4}), an_agent(skills={"cards": 3})

    assert pairs([ticket], [agent]) == {}


def test_an_agent_exactly_at_the_level_asked_for_is_asked() -> None:
    ticket, agent = a_ticket(skills={"cards": 4}), an_agent(skills={"cards": 4})

    assert pairs([ticket], [agent]) == {ticket.id: agent.id}


def test_one_missing_skill_of_two_is_enough_to_be_passed_over() -> None:
    ticket = a_ticket(skills={"cards": 1, "loans": 1})
    agent = an_agent(skills={"cards": 5})

    assert pairs([ticket], [agent]) == {}


def test_whoever_declined_is_never_asked_again() -> None:
    agent = an_agent()
    ticket = a_ticket(declined_by=frozenset({agent.id}))

    assert pairs([ticket], [agent]) == {}


def test_whoever_let_it_time_out_is_asked_last() -> None:
    expert = an_agent(skills={"cards": 5}, idle_since=NOON - timedelta(hours=9))
    novice = an_agent(languages={"en": 1}, skills={"cards": 1})
    ticket = a_ticket(skills={"cards": 1}, timed_out_by=frozenset({expert.id}))

    assert pairs([ticket], [expert, novice]) == {ticket.id: novice.id}


def test_whoever_let_it_time_out_is_asked_again_when_nobody_else_is_there() -> None:
    agent = an_agent()
    ticket = a_ticket(timed_out_by=frozenset({agent.id}))

    assert pairs([ticket], [agent]) == {ticket.id: agent.id}


def test_the_better_speaker_is_asked_first() -> None:
    fluent, native = an_agent(languages={"en": 4}), an_agent(languages={"en": 5})
    ticket = a_ticket()

    assert pairs([ticket], [fluent, native]) == {ticket.id: native.id}


def test_the_more_skilled_is_asked_first() -> None:
    novice, expert = an_agent(skills={"cards": 2}), an_agent(skills={"cards": 5})
    ticket = a_ticket(skills={"cards": 1})

    assert pairs([ticket], [novice, expert]) == {ticket.id: expert.id}


def test_skills_nobody_asked_for_count_for_nothing() -> None:
    first = an_agent(idle_since=NOON - timedelta(seconds=1))
    many = an_agent(skills={"cards": 5, "loans": 5})
    ticket = a_ticket()

    assert pairs([ticket], [many, first]) == {ticket.id: first.id}


def test_between_equals_the_longest_idle_is_asked() -> None:
    later = an_agent(idle_since=NOON - timedelta(seconds=10))
    earlier = an_agent(idle_since=NOON - timedelta(seconds=11))
    ticket = a_ticket()

    assert pairs([ticket], [later, earlier]) == {ticket.id: earlier.id}


def test_idleness_earns_no_more_points_than_the_most() -> None:
    day, week = (an_agent(idle_since=NOON - timedelta(days=days)) for days in (1, 7))

    points = [matching.score(a_ticket(), who, policy=POLICY, at=NOON) for who in (day, week)]

    assert [p and p["idle"] for p in points] == [20, 20]


def test_urgency_counts_more_than_waiting() -> None:
    waiting = a_ticket(due_at=NOON - timedelta(hours=1), queued_at=NOON - timedelta(hours=1))
    urgent = a_ticket(urgency=2)
    agent = an_agent()

    assert pairs([waiting, urgent], [agent]) == {urgent.id: agent.id}


def test_the_ticket_due_first_is_served_first() -> None:
    later = a_ticket(due_at=NOON + timedelta(seconds=30), queued_at=NOON - timedelta(hours=1))
    sooner = a_ticket(due_at=NOON + timedelta(seconds=10))
    agent = an_agent()

    assert pairs([later, sooner], [agent]) == {sooner.id: agent.id}


def test_of_two_due_together_the_one_waiting_longer_is_served_first() -> None:
    newer = a_ticket(queued_at=NOON)
    older = a_ticket(queued_at=NOON - timedelta(seconds=1))
    agent = an_agent()

    assert pairs([newer, older], [agent]) == {older.id: agent.id}


def test_each_agent_is_asked_once() -> None:
    tickets = [a_ticket(), a_ticket()]
    agent = an_agent()

    assert len(pairs(tickets, [agent])) == 1


def test_a_ticket_nobody_fits_keeps_nobody_from_another() -> None:
    greek, english = a_ticket(language="el", urgency=2), a_ticket()
    agent = an_agent()

    assert pairs([greek, english], [agent]) == {english.id: agent.id}


def test_a_match_says_why() -> None:
    ticket = a_ticket(skills={"cards": 2})
    agent = an_agent(skills={"cards": 4}, idle_since=NOON - timedelta(minutes=6))

    [found] = matching.match([ticket], [agent, an_agent()], policy=POLICY, at=NOON)

    assert found.reasons() == {
        "points": {"language": 50, "skill": 40, "idle": 3},
        "candidates": 1,
    }


def test_between_agents_equal_in_all_the_order_given_decides_nothing() -> None:
    ticket, agents = a_ticket(), [an_agent(), an_agent()]

    assert pairs([ticket], agents) == pairs([ticket], agents[::-1])


def test_between_tickets_equal_in_all_the_order_given_decides_nothing() -> None:
    tickets, agent = [a_ticket(), a_ticket()], an_agent()

    assert pairs(tickets, [agent]) == pairs(tickets[::-1], [agent])


def test_without_anybody_waiting_or_free_nothing_is_paired() -> None:
    assert pairs([], [an_agent()]) == {}
    assert pairs([a_ticket()], []) == {}


few = st.integers(0, 2)
some_agents = st.lists(
    st.builds(
        an_agent,
        id=st.uuids(),
        languages=st.dictionaries(st.sampled_from(["en", "fr"]), st.integers(1, 5), min_size=1),
        skills=st.dictionaries(st.sampled_from(["a", "b"]), st.integers(1, 5)),
        idle_since=few.map(lambda minutes: NOON - timedelta(minutes=minutes)),
    ),
    max_size=6,
    unique_by=lambda agent: agent.id,
)
some_tickets = st.lists(
    st.builds(
        a_ticket,
        id=st.uuids(),
        language=st.sampled_from(["en", "fr", "el"]),
        urgency=few,
        due_at=few.map(lambda seconds: NOON + timedelta(seconds=seconds)),
        skills=st.dictionaries(st.sampled_from(["a", "b"]), st.integers(1, 5)),
    ),
    max_size=6,
    unique_by=lambda ticket: ticket.id,
)


@settings(max_examples=100)
@given(some_tickets, some_agents, st.randoms())
def test_the_order_they_are_given_in_changes_nothing(
    tickets: list[WaitingTicket], agents: list[FreeAgent], chance: random.Random
) -> None:
    before = pairs(tickets, agents)

    assert pairs(chance.sample(tickets, len(tickets)), chance.sample(agents, len(agents))) == before


@settings(max_examples=100)
@given(some_tickets, some_agents)
def test_nobody_is_paired_twice_or_with_what_they_may_not_do(
    tickets: list[WaitingTicket], agents: list[FreeAgent]
) -> None:
    found = pairs(tickets, agents)

    by_id = {agent.id: agent for agent in agents}
    assert len(set(found.values())) == len(found)
    for ticket in tickets:
        if ticket.id in found:
            chosen = by_id[found[ticket.id]]
            assert matching.score(ticket, chosen, policy=POLICY, at=NOON) is not None
