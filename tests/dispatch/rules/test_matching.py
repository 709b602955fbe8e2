"""Matching: the least total cost, whatever the order and the ids."""

import random
from dataclasses import replace
from datetime import timedelta
from itertools import product
from uuid import UUID, uuid4

from hypothesis import given, settings
from hypothesis import strategies as st

from dispatch.rules import matching
from dispatch.rules.matching import CostMatrix
from dispatch.rules.policy import FreeAgent, Policy, WaitingTicket, unassigned_penalty, verdict
from tests.dispatch.cases import (
    HOUR,
    MINUTE,
    NOON,
    POLICY,
    SECOND,
    Case,
    cases,
    make_free_agent,
    make_waiting_ticket,
    match_pairs,
    policies,
)


def total_cost(case: Case, found: dict[UUID, UUID], policy: Policy) -> int:
    """The cost of all pairs plus the penalty of each unassigned ticket."""
    by_id = {agent.id: agent for agent in case.agents}
    return sum(
        verdict(ticket, by_id[found[ticket.id]], policy=policy, at=NOON).total
        if ticket.id in found
        else unassigned_penalty(ticket, policy=policy, at=NOON)
        for ticket in case.tickets
    )


def list_allowed_pairings(case: Case, policy: Policy) -> list[dict[UUID, UUID]]:
    """All sets of pairs that no filter excludes."""
    choices = [
        [None, *(who.id for who in case.agents if is_allowed(ticket, who, policy))]
        for ticket in case.tickets
    ]
    return [
        {ticket.id: who for ticket, who in zip(case.tickets, chosen, strict=True) if who}
        for chosen in product(*choices)
        if len(asked := [who for who in chosen if who]) == len(set(asked))
    ]


def is_allowed(ticket: WaitingTicket, agent: FreeAgent, policy: Policy = POLICY) -> bool:
    return verdict(ticket, agent, policy=policy, at=NOON).excluded_by is None


def test_an_agent_who_let_the_ticket_time_out_is_offered_it_last() -> None:
    expert = make_free_agent(skills={"cards": 5}, idle_since=NOON - timedelta(hours=9))
    novice = make_free_agent(languages={"en": 1}, skills={"cards": 1})
    ticket = make_waiting_ticket(skills={"cards": 1}, timed_out_by=frozenset({expert.id}))

    assert match_pairs([ticket], [expert, novice]) == {ticket.id: novice.id}


def test_the_better_speaker_is_offered_the_ticket() -> None:
    fluent, native = make_free_agent(languages={"en": 4}), make_free_agent(languages={"en": 5})
    ticket = make_waiting_ticket()

    assert match_pairs([ticket], [fluent, native]) == {ticket.id: native.id}


def test_the_more_skilled_agent_is_offered_the_ticket() -> None:
    novice, expert = make_free_agent(skills={"cards": 2}), make_free_agent(skills={"cards": 5})
    ticket = make_waiting_ticket(skills={"cards": 1})

    assert match_pairs([ticket], [novice, expert]) == {ticket.id: expert.id}


def test_an_agent_who_knows_the_customer_is_offered_the_ticket() -> None:
    known, stranger = make_free_agent(), make_free_agent(idle_since=NOON - HOUR)
    ticket = make_waiting_ticket(known_by=frozenset({known.id}))

    assert match_pairs([ticket], [stranger, known]) == {ticket.id: known.id}


def test_skills_a_ticket_does_not_require_do_not_count() -> None:
    first = make_free_agent(idle_since=NOON - SECOND)
    many = make_free_agent(skills={"cards": 5, "loans": 5})
    ticket = make_waiting_ticket()

    assert match_pairs([ticket], [many, first]) == {ticket.id: first.id}


def test_an_agent_with_a_scarce_skill_is_kept_for_tickets_that_require_it() -> None:
    knows = make_free_agent(
        idle_since=NOON - 5 * MINUTE, skills={"loans": 5}, scarcity={"en ": 0, "en loans": 200}
    )
    other = make_free_agent()
    simple, hard = make_waiting_ticket(), make_waiting_ticket(skills={"loans": 1})

    assert match_pairs([simple], [knows, other]) == {simple.id: other.id}
    assert match_pairs([simple, hard], [knows, other]) == {simple.id: other.id, hard.id: knows.id}


def test_scarcity_lets_no_ticket_overtake_another() -> None:
    knows = make_free_agent(
        skills={"loans": 5, "cards": 5}, scarcity={"en loans": 900, "en cards": 20}
    )
    first = make_waiting_ticket(skills={"cards": 1}, due_at=NOON - 20 * SECOND)
    second = make_waiting_ticket(skills={"loans": 1}, due_at=NOON - 10 * SECOND)

    assert match_pairs([second, first], [knows]) == {first.id: knows.id}


def test_of_two_equal_agents_the_longest_idle_is_offered_the_ticket() -> None:
    later = make_free_agent(idle_since=NOON - 10 * SECOND)
    earlier = make_free_agent(idle_since=NOON - 11 * SECOND)
    ticket = make_waiting_ticket()

    assert match_pairs([ticket], [later, earlier]) == {ticket.id: earlier.id}


def test_an_expert_is_kept_for_the_ticket_only_an_expert_can_serve() -> None:
    """A greedy matching would give the expert to the first ticket and leave the second waiting."""
    novice, expert = make_free_agent(), make_free_agent(skills={"loans": 5}, idle_since=NOON - HOUR)
    simple, hard = (
        make_waiting_ticket(due_at=NOON - MINUTE),
        make_waiting_ticket(skills={"loans": 4}),
    )

    assert match_pairs([simple, hard], [novice, expert]) == {
        simple.id: novice.id,
        hard.id: expert.id,
    }


def test_urgency_is_a_head_start_and_no_more() -> None:
    urgent = make_waiting_ticket(urgency=2)
    just_before = make_waiting_ticket(urgency=0, due_at=NOON - 3 * MINUTE, queued_at=NOON - HOUR)
    long_before = make_waiting_ticket(urgency=0, due_at=NOON - 5 * MINUTE, queued_at=NOON - HOUR)
    agent = make_free_agent()

    assert match_pairs([urgent, just_before], [agent]) == {urgent.id: agent.id}
    assert match_pairs([urgent, long_before], [agent]) == {long_before.id: agent.id}


def test_the_ticket_due_first_is_served_first() -> None:
    later = make_waiting_ticket(due_at=NOON + 11 * SECOND, queued_at=NOON - HOUR)
    sooner = make_waiting_ticket(due_at=NOON + 10 * SECOND)
    agent = make_free_agent()

    assert match_pairs([later, sooner], [agent]) == {sooner.id: agent.id}


def test_of_two_due_together_the_one_waiting_longer_is_served_first() -> None:
    newer, older = make_waiting_ticket(queued_at=NOON), make_waiting_ticket(queued_at=NOON - SECOND)
    agent = make_free_agent()

    assert match_pairs([newer, older], [agent]) == {older.id: agent.id}


def test_an_agent_with_more_room_gets_one_offer_a_wave() -> None:
    assert (
        len(match_pairs([make_waiting_ticket(), make_waiting_ticket()], [make_free_agent(room=3)]))
        == 1
    )


def test_a_ticket_no_agent_can_serve_does_not_block_another() -> None:
    greek, english = make_waiting_ticket(language="el", urgency=2), make_waiting_ticket()
    agent = make_free_agent()

    assert match_pairs([greek, english], [agent]) == {english.id: agent.id}


def test_a_match_stores_its_costs_and_number_of_candidates() -> None:
    ticket = make_waiting_ticket(skills={"cards": 2})
    agent = make_free_agent(skills={"cards": 4}, idle_since=NOON - 6 * MINUTE, worked_today=4)

    [found] = matching.match([ticket], [agent, make_free_agent()], policy=POLICY, at=NOON)

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


def test_a_full_tie_is_broken_differently_from_wave_to_wave() -> None:
    ticket, agents = make_waiting_ticket(), [make_free_agent(), make_free_agent()]

    chosen = {
        match_pairs([ticket], agents, at=NOON + second * SECOND)[ticket.id] for second in range(40)
    }

    assert chosen == {agent.id for agent in agents}


def test_without_tickets_or_agents_there_are_no_pairs() -> None:
    assert match_pairs([], [make_free_agent()]) == {}
    assert match_pairs([make_waiting_ticket()], []) == {}


@settings(max_examples=50)
@given(cases(), policies)
def test_the_cost_matrix_agrees_with_the_verdict_of_each_pair(case: Case, policy: Policy) -> None:
    matrix = CostMatrix(case.tickets, case.agents, policy, NOON)

    for ticket in case.tickets:
        row = matrix.build_row(ticket)
        verdicts = [verdict(ticket, agent, policy=policy, at=NOON) for agent in case.agents]
        assert row.costs.tolist() == [
            matching.NEVER if one.excluded_by else one.total for one in verdicts
        ]
        assert row.candidates == sum(one.excluded_by is None for one in verdicts)


@settings(max_examples=50)
@given(cases(most=4), policies)
def test_no_other_set_of_pairs_costs_less(case: Case, policy: Policy) -> None:
    found = match_pairs(*case, policy=policy)

    assert total_cost(case, found, policy) == min(
        total_cost(case, other, policy) for other in list_allowed_pairings(case, policy)
    )


@settings(max_examples=40)
@given(cases(), st.randoms())
def test_the_order_of_tickets_and_agents_changes_nothing(case: Case, rng: random.Random) -> None:
    shuffled = (rng.sample(side, len(side)) for side in case)

    assert match_pairs(*shuffled) == match_pairs(*case)


@settings(max_examples=40)
@given(cases(), policies)
def test_ids_do_not_decide_who_is_paired(case: Case, policy: Policy) -> None:
    """Under other ids the same pairs are found, unless waits or idle times are equal."""
    names = {each.id: uuid4() for side in case for each in side}
    renamed = Case(
        [replace_ids(ticket, names) for ticket in case.tickets],
        [replace(agent, id=names[agent.id]) for agent in case.agents],
    )

    found = {names[ticket]: names[who] for ticket, who in match_pairs(*case, policy=policy).items()}
    assert match_pairs(*renamed, policy=policy) == found


def replace_ids(ticket: WaitingTicket, names: dict[UUID, UUID]) -> WaitingTicket:
    groups = ("offered_to", "declined_by", "timed_out_by", "blocked", "known_by")
    others = {
        group: frozenset(names.get(who, who) for who in getattr(ticket, group)) for group in groups
    }
    return replace(ticket, id=names[ticket.id], **others)


@settings(max_examples=40)
@given(cases(), policies)
def test_no_agent_is_paired_twice_or_despite_a_filter(case: Case, policy: Policy) -> None:
    by_id = {each.id: each for side in case for each in side}

    for found in (match_pairs(*case, policy=policy), match_greedily(case, policy)):
        assert len(set(found.values())) == len(found)
        for ticket, agent in found.items():
            assert is_allowed(by_id[ticket], by_id[agent], policy)


@settings(max_examples=40)
@given(cases(), policies)
def test_no_unassigned_ticket_could_be_served_by_an_agent_left_free(
    case: Case, policy: Policy
) -> None:
    for found in (match_pairs(*case, policy=policy), match_greedily(case, policy)):
        asked = set(found.values())
        for ticket in case.tickets:
            if ticket.id not in found:
                assert not any(
                    is_allowed(ticket, agent, policy)
                    for agent in case.agents
                    if agent.id not in asked
                )


def match_greedily(case: Case, policy: Policy) -> dict[UUID, UUID]:
    """The pairs of a batch too large for the optimum."""
    if not case.agents:
        return {}
    found = CostMatrix(case.tickets, case.agents, policy, NOON).find_greedy_pairs()
    return {case.tickets[row].id: case.agents[column].id for row, column, _ in found}


def test_a_batch_too_large_for_the_optimum_is_matched_in_queue_order() -> None:
    tickets = [make_waiting_ticket(due_at=NOON - second * SECOND) for second in range(1_200)]
    agents = [make_free_agent(idle_since=NOON - second * SECOND) for second in range(400)]
    assert len(tickets) * (len(tickets) + len(agents)) > matching.MAX_CELLS

    found = match_pairs(tickets, agents)

    assert set(found) == {ticket.id for ticket in tickets[-400:]}
    assert set(found.values()) == {agent.id for agent in agents}
