"""Decisions replayed: the same pairs each time, and a reason for every agent who was online."""

import os
from datetime import timedelta
from io import StringIO
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from agents import presence, roster
from agents.models import Agent, AgentCertificate, AgentSkill, Presence, RateCard
from agents.models.presence import SILENCE
from dispatch import affinity, offers, policies
from dispatch.explanations import not_considered, replay
from dispatch.explanations.replay import DecisionReplay
from dispatch.models import Decision, Offer, PolicyVersion
from dispatch.rules import limits
from dispatch.rules.policy import AGENT_COSTS, LANE_COSTS, PAIR_COSTS
from dispatch.waves import wave
from tests import factories
from tests.varied_decisions import make_decisions
from tickets import clock
from tickets.models import Client, Ticket

pytestmark = pytest.mark.django_db

#: `DECISIONS=1000 make test ARGS=tests/dispatch/explanations/test_replay.py` makes a thousand.
MANY = int(os.environ.get("DECISIONS", "20"))
SECOND = timedelta(seconds=1)
PARTS = [*LANE_COSTS, *AGENT_COSTS, *PAIR_COSTS]


@pytest.fixture(autouse=True)
def _card() -> None:
    factories.make_card()


def run_wave() -> Decision:
    """Run a wave and return its decision."""
    wave.run(at=clock.now())
    return Decision.objects.latest("pk")


def find_reasons(decision: Decision, ticket: Ticket) -> dict[UUID, str]:
    explanation = DecisionReplay(decision).explain(ticket.pk)
    return {
        one.agent_input.id: one.excluded_by for one in not_considered.list_unconsidered(explanation)
    }


def call_replay(*asked: str) -> str:
    output = StringIO()
    call_command("replay", *asked, stdout=output, stderr=StringIO())
    return output.getvalue()


@pytest.mark.django_db(transaction=True)
def test_varied_decisions_replay_to_the_same_pairs(no_worker: None) -> None:
    """Decisions are committed one by one, because a transaction keeps dead rows."""
    RateCard.objects.all().delete()
    Client.objects.all().delete()

    make_decisions(count=MANY)

    rows = list(Decision.objects.order_by("at"))
    assert [row for row in rows if not replay.replay(row).is_same] == []
    assert len(rows) >= MANY
    assert len({row.policy_id for row in rows}) >= 4
    assert call_replay() == f"{len(rows)} of {len(rows)} the same\n"
    explained = [
        (offer, DecisionReplay(offer.decision).explain(offer.ticket_id))
        for offer in Offer.objects.select_related("decision")
    ]
    assert [
        offer
        for offer, explanation in explained
        if (explanation.find_candidate(offer.agent_id).verdict.costs, len(explanation.ranked))
        != (offer.reasons["costs"], offer.reasons["candidates"])
    ] == []


def test_a_decision_that_replays_differently_is_shown_with_its_pairs(capsys: Any) -> None:
    factories.make_ticket()
    agent = factories.make_agent()
    kept = run_wave()
    ghost = uuid4()
    Decision.objects.filter(pk=kept.pk).update(pairs=[[kept.pairs[0][0], str(ghost)]])
    output = StringIO()

    with pytest.raises(CommandError, match="1 of 1 replayed differently"):
        call_command("replay", "--decision", str(kept.pk), stdout=output)

    assert f"- ticket {kept.pairs[0][0]} agent {ghost}" in output.getvalue()
    assert f"+ ticket {kept.pairs[0][0]} agent {agent.pk}" in output.getvalue()
    assert "0 of 1 the same" in output.getvalue()


def test_a_new_policy_version_does_not_change_old_decisions() -> None:
    factories.make_ticket()
    near, _far = factories.make_agent(), factories.make_agent(languages={"en": 1})
    kept = run_wave()
    draft = PolicyVersion.objects.get(pk=1)
    draft.note, draft.language = "No matter how well", 0
    policies.publish(draft, at=clock.now())

    assert replay.replay(kept).is_same
    assert DecisionReplay(kept).explain(Ticket.objects.get().pk).chosen == near.pk


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        (["--last", "1"], "1 of 1 the same\n"),
        (["--since", "2100-01-01"], "0 of 0 the same\n"),
        (["--since", "2020-01-01T10:00"], "2 of 2 the same\n"),
        ([], "2 of 2 the same\n"),
    ],
)
def test_replay_can_be_limited_to_the_last_or_to_a_moment(asked: list[str], answer: str) -> None:
    for _ in range(2):
        factories.make_ticket()
        factories.make_agent()
        wave.run(at=clock.now())

    assert call_replay(*asked) == answer


@pytest.mark.parametrize(
    "asked", [["--last", "none"], ["--since", "soon"], ["--decision", str(uuid4())]]
)
def test_replay_refuses_invalid_arguments(asked: list[str]) -> None:
    with pytest.raises(CommandError):
        call_replay(*asked)


def test_every_candidate_has_a_verdict_in_order_of_cost() -> None:
    ticket = factories.make_ticket(skills={"cards": 2})
    best = factories.make_agent(skills={"cards": 5})
    worse = factories.make_agent(languages={"en": 2}, skills={"cards": 2})

    explanation = DecisionReplay(run_wave()).explain(ticket.pk)

    assert [
        (one.agent_input.id, one.rank, one.paired_ticket) for one in explanation.candidates
    ] == [
        (best.pk, 1, ticket.pk),
        (worse.pk, 2, None),
    ]
    assert explanation.chosen == best.pk
    assert set(explanation.candidates[1].verdict.costs) == set(PARTS)
    assert explanation.candidates[1].verdict.total > explanation.candidates[0].verdict.total
    assert explanation.unassigned_penalty >= explanation.policy.unassigned_penalty // 2


def test_a_candidate_of_another_lane_is_excluded_by_its_filter() -> None:
    ticket = factories.make_ticket(skills={"cards": 2})
    factories.make_ticket(language="fr")
    factories.make_agent(skills={"cards": 5})
    french = factories.make_agent(languages={"fr": 5})

    explanation = DecisionReplay(run_wave()).explain(ticket.pk)

    assert [(one.agent_input.id, one.verdict.excluded_by) for one in explanation.excluded] == [
        (french.pk, "language")
    ]


def test_an_agent_who_declined_is_excluded_by_declined() -> None:
    ticket = factories.make_ticket()
    first = factories.make_agent(at=clock.now() - SECOND)
    wave.run(at=clock.now())
    offers.decline(Offer.objects.get(), at=clock.now())
    factories.make_agent()

    explanation = DecisionReplay(run_wave()).explain(ticket.pk)

    assert [(one.agent_input.id, one.verdict.excluded_by) for one in explanation.excluded] == [
        (first.pk, "declined")
    ]


def test_explaining_a_ticket_the_wave_did_not_read_raises_key_error() -> None:
    factories.make_ticket()
    factories.make_agent()

    with pytest.raises(KeyError):
        DecisionReplay(run_wave()).explain(uuid4())


def make_busy(agent: Agent) -> None:
    client = factories.make_client("elsewhere")
    factories.make_card(client)
    factories.make_assignment(ticket=factories.make_ticket(client), agent=agent)


OTHERS: dict[str, tuple[dict[str, Any], Any]] = {
    "language": ({"languages": {"fr": 5}, "skills": {"cards": 3}}, lambda agent: None),
    "skill": ({"skills": {"cards": 1}}, lambda agent: None),
    "certificate": ({"skills": {"cards": 3}}, lambda agent: None),
    "capacity": ({"skills": {"cards": 3}}, make_busy),
}


@pytest.mark.parametrize("reason", OTHERS)
def test_an_online_agent_who_was_not_considered_has_a_reason(reason: str) -> None:
    given, prepare = OTHERS[reason]
    client = factories.make_client("bank", certificate="kyc" if reason == "certificate" else "")
    factories.make_card(client)
    other = factories.make_agent(**given)
    if reason != "certificate":
        AgentCertificate.objects.create(agent=other, code="kyc")
    prepare(other)
    chosen = factories.make_agent(skills={"cards": 3})
    AgentCertificate.objects.create(agent=chosen, code="kyc")
    ticket = factories.make_ticket(client, skills={"cards": 2})

    assert find_reasons(run_wave(), ticket) == {other.pk: reason}


def test_an_agent_blocked_for_the_customer_is_excluded_by_blocked() -> None:
    ticket = factories.make_ticket()
    apart, _chosen = factories.make_agent(), factories.make_agent()
    affinity.block(apart, ticket, at=clock.now())

    explanation = DecisionReplay(run_wave()).explain(ticket.pk)

    assert explanation.find_candidate(apart.pk).verdict.excluded_by == "blocked"


def test_an_agent_beyond_the_limit_has_the_reason_further(monkeypatch: Any) -> None:
    monkeypatch.setattr(limits, "MAX_CHOICE", 1)
    monkeypatch.setattr(limits, "MIN_CHOICE", 1)
    ticket = factories.make_ticket()
    for age in (5, 4, 3):
        last = factories.make_agent(at=clock.now() - age * SECOND)

    assert find_reasons(run_wave(), ticket) == {last.pk: "further"}


def test_an_agent_without_heartbeats_has_the_reason_silent() -> None:
    ticket = factories.make_ticket()
    silent, _chosen = factories.make_agent(), factories.make_agent()
    Presence.objects.filter(agent=silent).update(seen_at=clock.now() - SILENCE)

    assert find_reasons(run_wave(), ticket) == {silent.pk: "silent"}


def test_agents_away_or_offline_are_not_listed() -> None:
    ticket = factories.make_ticket()
    presence.go_away(factories.make_agent(), at=clock.now())
    presence.go_offline(factories.make_agent(), at=clock.now())
    factories.make_agent()

    assert find_reasons(run_wave(), ticket) == {}


def test_later_changes_of_an_agent_do_not_change_the_reason() -> None:
    ticket = factories.make_ticket(skills={"cards": 2})
    other = factories.make_agent(skills={"cards": 1})
    factories.make_agent(skills={"cards": 3})
    kept = run_wave()
    AgentSkill.objects.filter(agent=other).update(level=5)
    roster.set_capacity(other, capacity=4)
    presence.go_offline(other, at=clock.now())

    assert find_reasons(kept, ticket) == {other.pk: "skill"}


def test_unconsidered_agents_are_found_in_three_queries_however_many() -> None:
    ticket = factories.make_ticket()
    factories.make_agent()
    for _ in range(12):
        factories.make_agent(languages={"fr": 5})
    explanation = DecisionReplay(run_wave()).explain(ticket.pk)

    with CaptureQueriesContext(connection) as asked:
        found = not_considered.list_unconsidered(explanation)

    assert (len(found), len(asked)) == (12, 3)
