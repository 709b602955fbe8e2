"""The rules: who is never asked, what each thing costs, and what a waiting ticket is worth."""

from dataclasses import fields, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatch.models.policies import MIN_UNASSIGNED_PENALTY, MOST_POINTS
from dispatch.rules import policy as rules
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

US, THEM = UUID(int=1), UUID(int=2)


def excluded_by(ticket: WaitingTicket, agent: FreeAgent) -> str | None:
    return verdict(ticket, agent, policy=POLICY, at=NOON).excluded_by


def costs(ticket: WaitingTicket, agent: FreeAgent, **weights: int) -> dict[str, int]:
    """What is not free, by name."""
    told = verdict(ticket, agent, policy=replace(POLICY, **weights), at=NOON)
    assert told.excluded_by is None
    return {name: points for name, points in told.costs.items() if points}


def test_an_agent_is_judged_by_these_and_by_nothing_else() -> None:
    """Not by what they declined or let time out, nor by when and how long they are here."""
    assert sorted(rules.INPUTS) == [
        "certificates", "good_reviews", "id", "idle_since", "languages", "reviews",
        "room", "scarcity", "skills", "worked_today",
    ]  # fmt: skip
    assert {each.name for each in fields(FreeAgent)} == rules.INPUTS


def test_a_ticket_knows_of_agents_only_what_happened_with_itself() -> None:
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
def test_whoever_a_filter_names_is_never_asked(
    name: str, ticket: dict[str, Any], agent: dict[str, Any]
) -> None:
    asked, who = a_ticket(**ticket), an_agent(id=US, **agent)

    assert excluded_by(asked, who) == name
    assert pairs([asked], [who]) == {}


def test_every_filter_is_tried_above() -> None:
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
def test_whoever_just_fits_is_asked(ticket: dict[str, Any], agent: dict[str, Any]) -> None:
    asked, who = a_ticket(**ticket), an_agent(id=US, **agent)

    assert excluded_by(asked, who) is None
    assert pairs([asked], [who]) == {asked.id: US}


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
def test_each_cost_is_a_part_of_its_weight(
    name: str, ticket: dict[str, Any], agent: dict[str, Any], points: int
) -> None:
    found = costs(a_ticket(**ticket), an_agent(id=US, **agent), **{**FREE, name: 100})

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

    assert costs(a_ticket(**ticket), an_agent(id=US, **who), quality=0) == {}


def test_nobody_is_praised_by_a_few_reviews_nor_blamed_for_them() -> None:
    few = an_agent(reviews=3, good_reviews=3)

    assert costs(a_ticket(), few, **FREE, workload_today=0) == costs(
        a_ticket(), an_agent(), **FREE, workload_today=0
    )


def test_many_good_reviews_cost_less_than_few() -> None:
    few, many = an_agent(reviews=20, good_reviews=20), an_agent(reviews=400, good_reviews=400)

    found = [costs(a_ticket(), who, quality=1_000, idle=0)["quality"] for who in (few, many)]

    assert found[0] > found[1] > 0


def test_each_minute_of_waiting_and_each_step_of_urgency_make_a_ticket_dearer() -> None:
    def worth(**given: Any) -> int:
        return (
            unassigned_penalty(a_ticket(**given), policy=POLICY, at=NOON)
            - POLICY.unassigned_penalty
        )

    assert worth(urgency=0) == 0
    assert worth(urgency=0, due_at=NOON - 3 * MINUTE) == 3 * POLICY.waiting
    assert worth(urgency=2) == 2 * POLICY.urgency
    assert worth(urgency=0, due_at=NOON + 3 * MINUTE) == -3 * POLICY.waiting


@settings(max_examples=30)
@given(cases(), policies)
def test_leaving_a_ticket_waiting_costs_more_than_any_pair(case: Case, policy: Policy) -> None:
    for ticket in case.tickets:
        early = replace(ticket, due_at=NOON + timedelta(days=30))
        for agent in case.agents:
            told = verdict(ticket, agent, policy=policy, at=NOON)
            assert told.total < unassigned_penalty(early, policy=policy, at=NOON)


def test_the_heaviest_weights_there_may_be_leave_nobody_waiting_beside_the_worst_agent() -> None:
    names = (
        "language", "skill", "scarce", "no_prior_contact", "quality", "idle",
        "workload_today", "asked_before",
    )  # fmt: skip
    heavy = replace(
        POLICY,
        unassigned_penalty=MIN_UNASSIGNED_PENALTY,
        waiting=MOST_POINTS,
        **dict.fromkeys(names, MOST_POINTS),
    )
    early = a_ticket(
        skills={"a": 1},
        due_at=NOON + HOUR,
        known_by=frozenset({THEM}),
        timed_out_by=frozenset({US}),
    )
    worst = an_agent(
        id=US,
        languages={"en": 1},
        skills={"a": 1},
        reviews=20,
        good_reviews=0,
        worked_today=20,
        scarcity={"b": 1000},
    )

    assert verdict(early, worst, policy=heavy, at=NOON).total == 8 * MOST_POINTS
    assert pairs([early], [worst], policy=heavy) == {early.id: US}


@given(policies, st.integers(0, 2), st.integers(0, 2_000))
def test_the_longer_a_ticket_waits_the_dearer_it_is(
    policy: Policy, urgency: int, minutes: int
) -> None:
    ticket = a_ticket(urgency=urgency)
    first, later = (
        unassigned_penalty(ticket, policy=policy, at=NOON + passed)
        for passed in (minutes * MINUTE, (minutes + 1) * MINUTE)
    )

    assert later > first or later == 8 * policy.unassigned_penalty


@settings(max_examples=30)
@given(cases(), policies)
def test_nobody_is_overtaken_for_ever(case: Case, policy: Policy) -> None:
    """However many fresh and urgent ones come, and whatever they fit better, the time comes when
    a ticket is served before all of them."""
    patient = a_ticket(urgency=0)
    worst = sum(
        getattr(policy, name) for name in (*rules.LANE_COSTS, *rules.AGENT_COSTS, *rules.PAIR_COSTS)
    )
    enough = NOON + MINUTE * ((worst + 2 * policy.urgency) // policy.waiting + 12)
    fresh = [
        replace(ticket, queued_at=enough, due_at=enough + MINUTE, urgency=2)
        for ticket in case.tickets
    ]

    assert pairs([*fresh, patient], [an_agent(id=US)], policy=policy, at=enough) == {patient.id: US}


def test_a_stream_of_urgent_tickets_delays_a_patient_one_by_minutes() -> None:
    patient, at, served = a_ticket(urgency=0), NOON, None
    while served != patient.id:
        at += 30 * SECOND
        [served] = pairs(
            [patient, a_ticket(urgency=2, queued_at=at, due_at=at)], [an_agent()], at=at
        )

    assert at - NOON <= 5 * MINUTE


def test_a_ticket_asks_for_things_somebody_can_do() -> None:
    assert rules.required_capabilities("en", ["cards", "loans"]) == ["en cards", "en loans"]
    assert rules.required_capabilities("en", []) == ["en "]
    assert rules.capabilities(["en", "fr"], ["cards"]) == ["en ", "en cards", "fr ", "fr cards"]


def test_shares_are_of_all_who_ask() -> None:
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
        # Whoever is free is one place, whatever was counted a moment ago.
        (1.0, 0, 632),
        (30.0, 3, 1000),
        (2.0, 200, 0),
    ],
)
def test_rare_is_what_all_who_are_free_may_be_asked_for_soon(
    expected: float, places: int, thousandths: int
) -> None:
    assert rules.scarcity(expected, places) == thousandths
