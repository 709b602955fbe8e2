"""The pairing: the least cost in all, whatever the order, whatever the names."""

import random
from dataclasses import replace
from datetime import timedelta
from itertools import product
from uuid import UUID, uuid4

from hypothesis import given, settings
from hypothesis import strategies as st

from dispatch.rules import matching
from dispatch.rules.matching import Table
from dispatch.rules.policy import FreeAgent, Policy, WaitingTicket, unassigned_penalty, verdict
from tests.dispatch.cases import (
    HOUR,
    MINUTE,
    NOON,
    POLICY,
    SECOND,
    Case,
    a_ticket,
    an_agent,
    cases,
    pairs,
    policies,
)


def total(case: Case, found: dict[UUID, UUID], policy: Policy) -> int:
    """What a pairing costs in all: its pairs, and whoever is left waiting."""
    by_id = {agent.id: agent for agent in case.agents}
    return sum(
        verdict(ticket, by_id[found[ticket.id]], policy=policy, at=NOON).total
        if ticket.id in found
        else unassigned_penalty(ticket, policy=policy, at=NOON)
        for ticket in case.tickets
    )


def every_pairing(case: Case, policy: Policy) -> list[dict[UUID, UUID]]:
    """All there are of what is allowed."""
    choices = [
        [None, *(who.id for who in case.agents if allowed(ticket, who, policy))]
        for ticket in case.tickets
    ]
    return [
        {ticket.id: who for ticket, who in zip(case.tickets, chosen, strict=True) if who}
        for chosen in product(*choices)
        if len(asked := [who for who in chosen if who]) == len(set(asked))
    ]


def allowed(ticket: WaitingTicket, agent: FreeAgent, policy: Policy = POLICY) -> bool:
    return verdict(ticket, agent, policy=policy, at=NOON).excluded_by is None


def test_whoever_let_it_time_out_is_asked_last() -> None:
    expert = an_agent(skills={"cards": 5}, idle_since=NOON - timedelta(hours=9))
    novice = an_agent(languages={"en": 1}, skills={"cards": 1})
    ticket = a_ticket(skills={"cards": 1}, timed_out_by=frozenset({expert.id}))

    assert pairs([ticket], [expert, novice]) == {ticket.id: novice.id}


def test_the_better_speaker_is_asked_first() -> None:
    fluent, native = an_agent(languages={"en": 4}), an_agent(languages={"en": 5})
    ticket = a_ticket()

    assert pairs([ticket], [fluent, native]) == {ticket.id: native.id}


def test_the_more_skilled_is_asked_first() -> None:
    novice, expert = an_agent(skills={"cards": 2}), an_agent(skills={"cards": 5})
    ticket = a_ticket(skills={"cards": 1})

    assert pairs([ticket], [novice, expert]) == {ticket.id: expert.id}


def test_whoever_knows_the_customer_is_asked_first() -> None:
    known, stranger = an_agent(), an_agent(idle_since=NOON - HOUR)
    ticket = a_ticket(known_by=frozenset({known.id}))

    assert pairs([ticket], [stranger, known]) == {ticket.id: known.id}


def test_skills_nobody_asked_for_count_for_nothing() -> None:
    first = an_agent(idle_since=NOON - SECOND)
    many = an_agent(skills={"cards": 5, "loans": 5})
    ticket = a_ticket()

    assert pairs([ticket], [many, first]) == {ticket.id: first.id}


def test_whoever_can_do_what_few_can_is_kept_for_those_who_need_it() -> None:
    knows = an_agent(
        idle_since=NOON - 5 * MINUTE, skills={"loans": 5}, scarcity={"en ": 0, "en loans": 200}
    )
    other = an_agent()
    simple, hard = a_ticket(), a_ticket(skills={"loans": 1})

    assert pairs([simple], [knows, other]) == {simple.id: other.id}
    assert pairs([simple, hard], [knows, other]) == {simple.id: other.id, hard.id: knows.id}


def test_how_rare_what_somebody_can_do_is_lets_no_ticket_overtake_another() -> None:
    knows = an_agent(skills={"loans": 5, "cards": 5}, scarcity={"en loans": 900, "en cards": 20})
    first = a_ticket(skills={"cards": 1}, due_at=NOON - 20 * SECOND)
    second = a_ticket(skills={"loans": 1}, due_at=NOON - 10 * SECOND)

    assert pairs([second, first], [knows]) == {first.id: knows.id}


def test_between_equals_the_longest_idle_is_asked() -> None:
    later = an_agent(idle_since=NOON - 10 * SECOND)
    earlier = an_agent(idle_since=NOON - 11 * SECOND)
    ticket = a_ticket()

    assert pairs([ticket], [later, earlier]) == {ticket.id: earlier.id}


def test_an_expert_is_kept_for_whom_only_an_expert_can_help() -> None:
    """Each ticket in its turn would take the expert and leave the other waiting."""
    novice, expert = an_agent(), an_agent(skills={"loans": 5}, idle_since=NOON - HOUR)
    simple, hard = a_ticket(due_at=NOON - MINUTE), a_ticket(skills={"loans": 4})

    assert pairs([simple, hard], [novice, expert]) == {simple.id: novice.id, hard.id: expert.id}


def test_urgency_is_a_head_start_and_no_more() -> None:
    urgent = a_ticket(urgency=2)
    just_before = a_ticket(urgency=0, due_at=NOON - 3 * MINUTE, queued_at=NOON - HOUR)
    long_before = a_ticket(urgency=0, due_at=NOON - 5 * MINUTE, queued_at=NOON - HOUR)
    agent = an_agent()

    assert pairs([urgent, just_before], [agent]) == {urgent.id: agent.id}
    assert pairs([urgent, long_before], [agent]) == {long_before.id: agent.id}


def test_the_ticket_due_first_is_served_first() -> None:
    later = a_ticket(due_at=NOON + 11 * SECOND, queued_at=NOON - HOUR)
    sooner = a_ticket(due_at=NOON + 10 * SECOND)
    agent = an_agent()

    assert pairs([later, sooner], [agent]) == {sooner.id: agent.id}


def test_of_two_due_together_the_one_waiting_longer_is_served_first() -> None:
    newer, older = a_ticket(queued_at=NOON), a_ticket(queued_at=NOON - SECOND)
    agent = an_agent()

    assert pairs([newer, older], [agent]) == {older.id: agent.id}


def test_an_agent_with_more_room_is_asked_once_a_wave_all_the_same() -> None:
    assert len(pairs([a_ticket(), a_ticket()], [an_agent(room=3)])) == 1


def test_a_ticket_nobody_fits_keeps_nobody_from_another() -> None:
    greek, english = a_ticket(language="el", urgency=2), a_ticket()
    agent = an_agent()

    assert pairs([greek, english], [agent]) == {english.id: agent.id}


def test_a_match_says_why() -> None:
    ticket = a_ticket(skills={"cards": 2})
    agent = an_agent(skills={"cards": 4}, idle_since=NOON - 6 * MINUTE, worked_today=4)

    [found] = matching.match([ticket], [agent, an_agent()], policy=POLICY, at=NOON)

    assert found.reasons() == {
        "costs": {
            "language": 0,
            "skill": 1,
            "scarce": 0,
            "quality": 5,
            "idle": 51,
            "workload_today": 3,
            "no_prior_contact": 0,
            "asked_before": 0,
        },
        "candidates": 1,
    }


def test_between_those_equal_in_all_a_lot_is_drawn_anew_each_wave() -> None:
    ticket, agents = a_ticket(), [an_agent(), an_agent()]

    chosen = {pairs([ticket], agents, at=NOON + second * SECOND)[ticket.id] for second in range(40)}

    assert chosen == {agent.id for agent in agents}


def test_without_anybody_waiting_or_free_nothing_is_paired() -> None:
    assert pairs([], [an_agent()]) == {}
    assert pairs([a_ticket()], []) == {}


@settings(max_examples=50)
@given(cases(), policies)
def test_what_the_table_says_is_what_the_policy_says(case: Case, policy: Policy) -> None:
    table = Table(case.tickets, case.agents, policy, NOON)

    for ticket in case.tickets:
        row = table.row(ticket)
        told = [verdict(ticket, agent, policy=policy, at=NOON) for agent in case.agents]
        assert row.costs.tolist() == [
            matching.NEVER if one.excluded_by else one.total for one in told
        ]
        assert row.candidates == sum(one.excluded_by is None for one in told)


@settings(max_examples=50)
@given(cases(most=4), policies)
def test_no_other_pairing_costs_less(case: Case, policy: Policy) -> None:
    found = pairs(*case, policy=policy)

    assert total(case, found, policy) == min(
        total(case, other, policy) for other in every_pairing(case, policy)
    )


@settings(max_examples=40)
@given(cases(), st.randoms())
def test_the_order_they_are_given_in_changes_nothing(case: Case, chance: random.Random) -> None:
    shuffled = (chance.sample(side, len(side)) for side in case)

    assert pairs(*shuffled) == pairs(*case)


@settings(max_examples=40)
@given(cases(), policies)
def test_an_id_is_no_reason(case: Case, policy: Policy) -> None:
    """Under other ids the same are paired, unless they wait or are idle since the same moment."""
    names = {each.id: uuid4() for side in case for each in side}
    renamed = Case(
        [renamed_ticket(ticket, names) for ticket in case.tickets],
        [replace(agent, id=names[agent.id]) for agent in case.agents],
    )

    found = {names[ticket]: names[who] for ticket, who in pairs(*case, policy=policy).items()}
    assert pairs(*renamed, policy=policy) == found


def renamed_ticket(ticket: WaitingTicket, names: dict[UUID, UUID]) -> WaitingTicket:
    groups = ("offered_to", "declined_by", "timed_out_by", "blocked", "known_by")
    others = {
        group: frozenset(names.get(who, who) for who in getattr(ticket, group)) for group in groups
    }
    return replace(ticket, id=names[ticket.id], **others)


@settings(max_examples=40)
@given(cases(), policies)
def test_nobody_is_paired_twice_or_with_what_they_may_not_do(case: Case, policy: Policy) -> None:
    by_id = {each.id: each for side in case for each in side}

    for found in (pairs(*case, policy=policy), quickly(case, policy)):
        assert len(set(found.values())) == len(found)
        for ticket, agent in found.items():
            assert allowed(by_id[ticket], by_id[agent], policy)


@settings(max_examples=40)
@given(cases(), policies)
def test_whoever_is_left_waiting_could_be_asked_of_nobody_left_free(
    case: Case, policy: Policy
) -> None:
    for found in (pairs(*case, policy=policy), quickly(case, policy)):
        asked = set(found.values())
        for ticket in case.tickets:
            if ticket.id not in found:
                assert not any(
                    allowed(ticket, agent, policy) for agent in case.agents if agent.id not in asked
                )


def quickly(case: Case, policy: Policy) -> dict[UUID, UUID]:
    """The pairing of a batch too large for the best."""
    if not case.agents:
        return {}
    found = Table(case.tickets, case.agents, policy, NOON).good()
    return {case.tickets[row].id: case.agents[column].id for row, column, _ in found}


def test_a_batch_too_large_for_the_best_pairing_is_served_in_line() -> None:
    tickets = [a_ticket(due_at=NOON - second * SECOND) for second in range(1_200)]
    agents = [an_agent(idle_since=NOON - second * SECOND) for second in range(400)]
    assert len(tickets) * (len(tickets) + len(agents)) > matching.MOST_CELLS

    found = pairs(tickets, agents)

    assert set(found) == {ticket.id for ticket in tickets[-400:]}
    assert set(found.values()) == {agent.id for agent in agents}
