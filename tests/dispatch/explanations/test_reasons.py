"""Decisions looked at again: the same pairs each time, and a verdict on everybody who was there."""

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


def decided() -> Decision:
    """The decision of a wave now."""
    wave.run(at=clock.now())
    return Decision.objects.latest("pk")


def why_not(decision: Decision, ticket: Ticket) -> dict[UUID, str]:
    account = replay.verdicts(decision, ticket.pk)
    return {
        one.agent_input.id: one.excluded_by for one in not_considered.list_unconsidered(account)
    }


def replayed(*asked: str) -> str:
    said = StringIO()
    call_command("replay", *asked, stdout=said, stderr=StringIO())
    return said.getvalue()


@pytest.mark.django_db(transaction=True)
def test_decisions_of_every_kind_come_out_the_same_again(no_worker: None) -> None:
    """Committed one by one: within a single transaction PostgreSQL can't forget old rows."""
    RateCard.objects.all().delete()
    Client.objects.all().delete()

    make_decisions(count=MANY)

    rows = list(Decision.objects.order_by("at"))
    assert [row for row in rows if not replay.replay(row).same] == []
    assert len(rows) >= MANY
    assert len({row.policy_id for row in rows}) >= 4
    assert replayed() == f"{len(rows)} of {len(rows)} the same\n"
    told = [
        (offer, replay.verdicts(offer.decision, offer.ticket_id))
        for offer in Offer.objects.select_related("decision")
    ]
    assert [
        offer
        for offer, account in told
        if (account.candidate(offer.agent_id).verdict.costs, len(account.ranked))
        != (offer.reasons["costs"], offer.reasons["candidates"])
    ] == []


def test_a_decision_that_came_out_another_way_is_shown(capsys: Any) -> None:
    factories.make_ticket()
    agent = factories.make_agent()
    kept = decided()
    ghost = uuid4()
    Decision.objects.filter(pk=kept.pk).update(pairs=[[kept.pairs[0][0], str(ghost)]])
    said = StringIO()

    with pytest.raises(CommandError, match="1 of 1 came out another way"):
        call_command("replay", "--decision", str(kept.pk), stdout=said)

    assert f"- ticket {kept.pairs[0][0]} agent {ghost}" in said.getvalue()
    assert f"+ ticket {kept.pairs[0][0]} agent {agent.pk}" in said.getvalue()
    assert "0 of 1 the same" in said.getvalue()


def test_a_changed_weight_of_another_version_changes_nothing_of_the_past() -> None:
    factories.make_ticket()
    near, _far = factories.make_agent(), factories.make_agent(languages={"en": 1})
    kept = decided()
    draft = PolicyVersion.objects.get(pk=1)
    draft.note, draft.language = "No matter how well", 0
    policies.publish(draft, at=clock.now())

    assert replay.replay(kept).same
    assert replay.verdicts(kept, Ticket.objects.get().pk).chosen == near.pk


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        (["--last", "1"], "1 of 1 the same\n"),
        (["--since", "2100-01-01"], "0 of 0 the same\n"),
        (["--since", "2020-01-01T10:00"], "2 of 2 the same\n"),
        ([], "2 of 2 the same\n"),
    ],
)
def test_one_may_replay_the_last_or_those_since_a_moment(asked: list[str], answer: str) -> None:
    for _ in range(2):
        factories.make_ticket()
        factories.make_agent()
        wave.run(at=clock.now())

    assert replayed(*asked) == answer


@pytest.mark.parametrize(
    "asked", [["--last", "none"], ["--since", "soon"], ["--decision", str(uuid4())]]
)
def test_what_can_not_be_replayed_is_said(asked: list[str]) -> None:
    with pytest.raises(CommandError):
        replayed(*asked)


def test_everybody_the_wave_saw_has_a_verdict_in_order_of_cost() -> None:
    ticket = factories.make_ticket(skills={"cards": 2})
    best = factories.make_agent(skills={"cards": 5})
    worse = factories.make_agent(languages={"en": 2}, skills={"cards": 2})

    account = replay.verdicts(decided(), ticket.pk)

    assert [(one.agent_input.id, one.rank, one.given) for one in account.candidates] == [
        (best.pk, 1, ticket.pk),
        (worse.pk, 2, None),
    ]
    assert account.chosen == best.pk
    assert set(account.candidates[1].verdict.costs) == set(PARTS)
    assert account.candidates[1].verdict.total > account.candidates[0].verdict.total
    assert account.unassigned_penalty >= account.policy.unassigned_penalty // 2


def test_who_was_seen_for_another_lane_is_excluded_by_name() -> None:
    ticket = factories.make_ticket(skills={"cards": 2})
    factories.make_ticket(language="fr")
    factories.make_agent(skills={"cards": 5})
    french = factories.make_agent(languages={"fr": 5})

    account = replay.verdicts(decided(), ticket.pk)

    assert [(one.agent_input.id, one.verdict.excluded_by) for one in account.excluded] == [
        (french.pk, "language")
    ]


def test_who_passed_is_excluded_for_that() -> None:
    ticket = factories.make_ticket()
    first = factories.make_agent(at=clock.now() - SECOND)
    wave.run(at=clock.now())
    offers.decline(Offer.objects.get(), at=clock.now())
    factories.make_agent()

    account = replay.verdicts(decided(), ticket.pk)

    assert [(one.agent_input.id, one.verdict.excluded_by) for one in account.excluded] == [
        (first.pk, "declined")
    ]


def test_a_ticket_the_wave_did_not_see_has_no_account() -> None:
    factories.make_ticket()
    factories.make_agent()

    with pytest.raises(KeyError):
        replay.verdicts(decided(), uuid4())


def busy(agent: Agent) -> None:
    client = factories.make_client("elsewhere")
    factories.make_card(client)
    factories.make_assignment(ticket=factories.make_ticket(client), agent=agent)


OTHERS: dict[str, tuple[dict[str, Any], Any]] = {
    "language": ({"languages": {"fr": 5}, "skills": {"cards": 3}}, lambda agent: None),
    "skill": ({"skills": {"cards": 1}}, lambda agent: None),
    "certificate": ({"skills": {"cards": 3}}, lambda agent: None),
    "capacity": ({"skills": {"cards": 3}}, busy),
}


@pytest.mark.parametrize("reason", OTHERS)
def test_who_was_on_line_and_not_looked_at_has_a_reason(reason: str) -> None:
    given, happened = OTHERS[reason]
    client = factories.make_client("bank", certificate="kyc" if reason == "certificate" else "")
    factories.make_card(client)
    other = factories.make_agent(**given)
    if reason != "certificate":
        AgentCertificate.objects.create(agent=other, code="kyc")
    happened(other)
    chosen = factories.make_agent(skills={"cards": 3})
    AgentCertificate.objects.create(agent=chosen, code="kyc")
    ticket = factories.make_ticket(client, skills={"cards": 2})

    assert why_not(decided(), ticket) == {other.pk: reason}


def test_who_is_not_to_meet_this_customer_has_a_reason_too() -> None:
    ticket = factories.make_ticket()
    apart, _chosen = factories.make_agent(), factories.make_agent()
    affinity.block(apart, ticket, at=clock.now())

    account = replay.verdicts(decided(), ticket.pk)

    assert account.candidate(apart.pk).verdict.excluded_by == "blocked"


def test_whoever_stood_further_down_the_line_is_told_so(monkeypatch: Any) -> None:
    monkeypatch.setattr(limits, "MAX_CHOICE", 1)
    monkeypatch.setattr(limits, "MIN_CHOICE", 1)
    ticket = factories.make_ticket()
    for age in (5, 4, 3):
        last = factories.make_agent(at=clock.now() - age * SECOND)

    assert why_not(decided(), ticket) == {last.pk: "further"}


def test_whose_page_was_not_heard_from_is_told_so() -> None:
    ticket = factories.make_ticket()
    silent, _chosen = factories.make_agent(), factories.make_agent()
    Presence.objects.filter(agent=silent).update(seen_at=clock.now() - SILENCE)

    assert why_not(decided(), ticket) == {silent.pk: "silent"}


def test_who_was_not_available_was_not_on_line() -> None:
    ticket = factories.make_ticket()
    presence.go_away(factories.make_agent(), at=clock.now())
    presence.go_offline(factories.make_agent(), at=clock.now())
    factories.make_agent()

    assert why_not(decided(), ticket) == {}


def test_what_changed_afterwards_does_not_change_the_reason() -> None:
    ticket = factories.make_ticket(skills={"cards": 2})
    other = factories.make_agent(skills={"cards": 1})
    factories.make_agent(skills={"cards": 3})
    kept = decided()
    AgentSkill.objects.filter(agent=other).update(level=5)
    roster.set_capacity(other, capacity=4)
    presence.go_offline(other, at=clock.now())

    assert why_not(kept, ticket) == {other.pk: "skill"}


def test_who_else_was_there_is_found_in_the_same_few_queries_however_many() -> None:
    ticket = factories.make_ticket()
    factories.make_agent()
    for _ in range(12):
        factories.make_agent(languages={"fr": 5})
    account = replay.verdicts(decided(), ticket.pk)

    with CaptureQueriesContext(connection) as asked:
        found = not_considered.list_unconsidered(account)

    assert (len(found), len(asked)) == (12, 3)
