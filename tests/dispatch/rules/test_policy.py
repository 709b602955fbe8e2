"""The rules: filters, costs, and the penalty of an unassigned ticket."""

from dataclasses import fields, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatch.models.policies import MAX_POINTS, MIN_UNASSIGNED_PENALTY
from dispatch.rules import policy as rules
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

US, THEM = UUID(int=1), UUID(int=2)


def excluded_by(ticket: WaitingTicket, agent: FreeAgent) -> str | None:
    return verdict(ticket, agent, policy=POLICY, at=NOON).excluded_by


def find_costs(ticket: WaitingTicket, agent: FreeAgent, **weights: int) -> dict[str, int]:
    """The costs of a pair that are not 0, by name."""
    result = verdict(ticket, agent, policy=replace(POLICY, **weights), at=NOON)
    assert result.excluded_by is None
    return {name: points for name, points in result.costs.items() if points}


def test_matching_reads_only_the_listed_inputs_of_an_agent() -> None:
    """Declines, timeouts and hours of other tickets are not among them."""
    assert sorted(rules.INPUTS) == [
        "certificates", "good_reviews", "id", "idle_since", "languages", "reviews",
        "room", "scarcity", "skills", "worked_today",
    ]  # fmt: skip
    assert {each.name for each in fields(FreeAgent)} == rules.INPUTS


def test_a_ticket_has_no_input_about_agents_beyond_its_own_offers() -> None:
    assert sorted(each.name for each in fields(WaitingTicket)) == [
        "blocked", "certificate", "declined_by", "due_at", "id", "known_by", "language",
        "offered_to", "queued_at", "skills", "timed_out_by", "urgency",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "ticket", "agent"),
    [
        ("language", {"language": "fr"}, {"languages": {"en": 5, "de": 5}}),
        ("skill", {"skills": {"cards": 1}}, {"skills": {"loans": 5}}),
        ("skill", {"skills": {"cards": 4}}, {"skills": {"cards": 3}}),
        ("skill", {"skills": {"cards": 1, "loans": 1}}, {"skills": {"cards": 5}}),
        ("certificate", {"certificate": "kyc"}, {"certificates": frozenset({"aml"})}),
        ("capacity", {}, {"room": 0}),
        ("blocked", {"blocked": frozenset({US})}, {}),
        ("asked", {"offered_to": frozenset({US})}, {}),
        ("declined", {"declined_by": frozenset({US})}, {}),
    ],
)
def test_an_agent_a_filter_excludes_is_not_offered_the_ticket(
    name: str, ticket: dict[str, Any], agent: dict[str, Any]
) -> None:
    asked, who = make_waiting_ticket(**ticket), make_free_agent(id=US, **agent)

    assert excluded_by(asked, who) == name
    assert match_pairs([asked], [who]) == {}


def test_the_cases_of_filters_cover_every_filter() -> None:
    names = {*rules.LANE_FILTERS, *rules.PAIR_FILTERS}

    assert names == {
        "language", "skill", "certificate", "capacity", "blocked", "asked", "declined",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("ticket", "agent"),
    [
        ({}, {"languages": {"en": 1}}),
        ({"skills": {"cards": 4}}, {"skills": {"cards": 4}}),
        ({"certificate": "kyc"}, {"certificates": frozenset({"kyc"})}),
        ({}, {"room": 1}),
        ({"timed_out_by": frozenset({US})}, {}),
        ({"blocked": frozenset({THEM}), "declined_by": frozenset({THEM})}, {}),
    ],
)
def test_an_agent_who_just_meets_the_requirements_is_offered_the_ticket(
    ticket: dict[str, Any], agent: dict[str, Any]
) -> None:
    asked, who = make_waiting_ticket(**ticket), make_free_agent(id=US, **agent)

    assert excluded_by(asked, who) is None
    assert match_pairs([asked], [who]) == {asked.id: US}


FREE = {"idle": 0, "quality": 0}


@pytest.mark.parametrize(
    ("name", "ticket", "agent", "points"),
    [
        ("language", {}, {"languages": {"en": 1}}, 100),
        ("language", {}, {"languages": {"en": 4}}, 25),
        ("skill", {"skills": {"a": 1}}, {"skills": {"a": 1}}, 100),
        ("skill", {"skills": {"a": 1, "b": 1}}, {"skills": {"a": 5, "b": 3}}, 25),
        ("scarce", {}, {"scarcity": {"en a": 200, "en b": 50}}, 25),
        ("scarce", {"skills": {"a": 1}}, {"skills": {"a": 5}, "scarcity": {"en a": 40}}, 4),
        ("scarce", {}, {"scarcity": {"a": 900, "b": 300}}, 100),
        ("no_prior_contact", {"known_by": frozenset({THEM})}, {}, 100),
        ("asked_before", {"timed_out_by": frozenset({US})}, {}, 100),
        ("idle", {}, {}, 100),
        ("idle", {}, {"idle_since": NOON - 20 * MINUTE}, 50),
        ("idle", {}, {"idle_since": NOON + MINUTE}, 100),
        ("workload_today", {}, {"worked_today": 5}, 25),
        ("workload_today", {}, {"worked_today": 200}, 100),
        ("quality", {}, {}, 25),
        ("quality", {}, {"reviews": 19, "good_reviews": 0}, 25),
        ("quality", {}, {"reviews": 20, "good_reviews": 0}, 100),
    ],
)
def test_each_cost_is_a_share_of_its_weight(
    name: str, ticket: dict[str, Any], agent: dict[str, Any], points: int
) -> None:
    found = find_costs(
        make_waiting_ticket(**ticket), make_free_agent(id=US, **agent), **{**FREE, name: 100}
    )

    assert found == {name: points}


@pytest.mark.parametrize(
    ("ticket", "agent"),
    [
        ({}, {"languages": {"en": 5}}),
        ({}, {"skills": {"cards": 1}}),
        ({"known_by": frozenset({US})}, {}),
        ({}, {"idle_since": NOON - HOUR}),
    ],
)
def test_the_best_case_costs_nothing(ticket: dict[str, Any], agent: dict[str, Any]) -> None:
    who = {"idle_since": NOON - HOUR, **agent}

    assert find_costs(make_waiting_ticket(**ticket), make_free_agent(id=US, **who), quality=0) == {}


def test_a_few_reviews_cost_the_same_as_none() -> None:
    few = make_free_agent(reviews=3, good_reviews=3)

    assert find_costs(make_waiting_ticket(), few, **FREE, workload_today=0) == find_costs(
        make_waiting_ticket(), make_free_agent(), **FREE, workload_today=0
    )


def test_many_good_reviews_cost_less_than_few() -> None:
    few, many = (
        make_free_agent(reviews=20, good_reviews=20),
        make_free_agent(reviews=400, good_reviews=400),
    )

    found = [
        find_costs(make_waiting_ticket(), who, quality=1_000, idle=0)["quality"]
        for who in (few, many)
    ]

    assert found[0] > found[1] > 0


def test_the_penalty_rises_with_each_minute_of_waiting_and_step_of_urgency() -> None:
    def worth(**given: Any) -> int:
        return (
            unassigned_penalty(make_waiting_ticket(**given), policy=POLICY, at=NOON)
            - POLICY.unassigned_penalty
        )

    assert worth(urgency=0) == 0
    assert worth(urgency=0, due_at=NOON - 3 * MINUTE) == 3 * POLICY.waiting
    assert worth(urgency=2) == 2 * POLICY.urgency
    assert worth(urgency=0, due_at=NOON + 3 * MINUTE) == -3 * POLICY.waiting


@settings(max_examples=30)
@given(cases(), policies)
def test_leaving_a_ticket_unassigned_costs_more_than_any_pair(case: Case, policy: Policy) -> None:
    for ticket in case.tickets:
        early = replace(ticket, due_at=NOON + timedelta(days=30))
        for agent in case.agents:
            result = verdict(ticket, agent, policy=policy, at=NOON)
            assert result.total < unassigned_penalty(early, policy=policy, at=NOON)


def test_the_highest_weights_still_pair_a_ticket_with_the_worst_agent() -> None:
    names = (
        "language", "skill", "scarce", "no_prior_contact", "quality", "idle",
        "workload_today", "asked_before",
    )  # fmt: skip
    heavy = replace(
        POLICY,
        unassigned_penalty=MIN_UNASSIGNED_PENALTY,
        waiting=MAX_POINTS,
        **dict.fromkeys(names, MAX_POINTS),
    )
    early = make_waiting_ticket(
        skills={"a": 1},
        due_at=NOON + HOUR,
        known_by=frozenset({THEM}),
        timed_out_by=frozenset({US}),
    )
    worst = make_free_agent(
        id=US,
        languages={"en": 1},
        skills={"a": 1},
        reviews=20,
        good_reviews=0,
        worked_today=20,
        scarcity={"b": 1000},
    )

    assert verdict(early, worst, policy=heavy, at=NOON).total == 8 * MAX_POINTS
    assert match_pairs([early], [worst], policy=heavy) == {early.id: US}


@given(policies, st.integers(0, 2), st.integers(0, 2_000))
def test_the_penalty_of_a_ticket_rises_while_it_waits(
    policy: Policy, urgency: int, minutes: int
) -> None:
    ticket = make_waiting_ticket(urgency=urgency)
    first, later = (
        unassigned_penalty(ticket, policy=policy, at=NOON + passed)
        for passed in (minutes * MINUTE, (minutes + 1) * MINUTE)
    )

    assert later > first or later == 8 * policy.unassigned_penalty


@settings(max_examples=30)
@given(cases(), policies)
def test_a_ticket_is_served_in_the_end_whatever_tickets_come_later(
    case: Case, policy: Policy
) -> None:
    """The penalty of waiting outgrows every cost and every urgency of later tickets."""
    patient = make_waiting_ticket(urgency=0)
    worst = sum(
        getattr(policy, name) for name in (*rules.LANE_COSTS, *rules.AGENT_COSTS, *rules.PAIR_COSTS)
    )
    enough = NOON + MINUTE * ((worst + 2 * policy.urgency) // policy.waiting + 12)
    fresh = [
        replace(ticket, queued_at=enough, due_at=enough + MINUTE, urgency=2)
        for ticket in case.tickets
    ]

    assert match_pairs([*fresh, patient], [make_free_agent(id=US)], policy=policy, at=enough) == {
        patient.id: US
    }


def test_a_stream_of_urgent_tickets_delays_a_low_urgency_one_by_minutes_only() -> None:
    patient, at, served = make_waiting_ticket(urgency=0), NOON, None
    while served != patient.id:
        at += 30 * SECOND
        [served] = match_pairs(
            [patient, make_waiting_ticket(urgency=2, queued_at=at, due_at=at)],
            [make_free_agent()],
            at=at,
        )

    assert at - NOON <= 5 * MINUTE


def test_required_capabilities_and_an_agents_capabilities_have_the_same_form() -> None:
    assert rules.required_capabilities("en", ["cards", "loans"]) == ["en cards", "en loans"]
    assert rules.required_capabilities("en", []) == ["en "]
    assert rules.capabilities(["en", "fr"], ["cards"]) == ["en ", "en cards", "fr ", "fr cards"]


def test_demand_shares_are_shares_of_all_tickets() -> None:
    asked = [(["en cards", "en loans"], 1), (["en cards"], 2), (["fr "], 1)]

    assert rules.demand_shares(asked) == {"en cards": 0.75, "en loans": 0.25, "fr ": 0.25}
    assert rules.demand_shares([]) == {}


@pytest.mark.parametrize(
    ("expected", "places", "thousandths"),
    [
        (0.0, 1, 0),
        # One or more of Poisson's with mean 1 come with 1 - 1/e; two or more with 1 - 2/e.
        (1.0, 1, 632),
        (1.0, 2, 264),
        # The candidate is one free place, even if none was counted a moment ago.
        (1.0, 0, 632),
        (30.0, 3, 1000),
        (2.0, 200, 0),
    ],
)
def test_scarcity_is_the_poisson_tail_of_expected_arrivals(
    expected: float, places: int, thousandths: int
) -> None:
    assert rules.scarcity(expected, places) == thousandths
