"""The coordinators' pages of matching: decisions, the policy's versions, who is kept apart."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse

from agents.models import AgentCertificate, Presence
from dispatch import acquaintances, onlookers, policies, waves
from dispatch.admin import words
from dispatch.models import Acquaintance, Decision, Offer, PolicyVersion
from dispatch.models.policies import COSTS
from dispatch.policy import LANE_FILTERS, PAIR_FILTERS
from tests.factories import (
    make_agent,
    make_assignment,
    make_card,
    make_offer,
    make_ticket,
)
from tests.staff import ASKED, HOSTILE, a_coordinator, a_viewer, add, lists, page, run, said
from tickets import clock

pytestmark = pytest.mark.django_db
DECISION, POLICY = "dispatch_decision", "dispatch_policyversion"


@pytest.fixture
def coordinator():
    return a_coordinator()


@pytest.fixture
def viewer():
    return a_viewer()


@pytest.fixture
def decision() -> Decision:
    """Amina was paired, Elsa would have cost more, Frida doesn't speak the language."""
    make_card()
    make_ticket()
    make_agent("Amina")
    make_agent("Elsa", languages={"en": 2})
    make_agent("Frida", languages={"fr": 5})
    waves.run(at=clock.now())
    return Decision.objects.get()


def text(answer) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


def form(**given) -> dict[str, object]:
    """What the form of a new version sends, as the first version unless given otherwise."""
    rules = PolicyVersion.objects.get(pk=1).rules().as_json()
    rules.pop("version")
    steps = ",".join(map(str, rules.pop("relax_after")))
    return {
        "note": "Languages count more",
        "valid_from": "",
        "relax_after": steps,
        **rules,
        **given,
    }


def test_every_name_of_the_policy_has_a_column_and_a_reason():
    filters = {**LANE_FILTERS, **PAIR_FILTERS}.keys()

    assert words.EXCLUDED.keys() == filters | set(onlookers.BESIDE)
    assert words.COLUMNS.keys() == set(COSTS)


def test_decisions_are_listed_with_what_they_saw(viewer, decision):
    shown = text(viewer.get(lists(DECISION)))

    assert re.search(r"matching policy 1 1 2 1", shown)


def test_a_decision_shows_everybody_with_their_cost(viewer, decision):
    shown = text(viewer.get(page(DECISION, decision)))

    drawn = re.sub(r"[A-Z][a-z ]+: \d+ ", "", shown)
    assert "1 Amina paired 25 0 0 5 20 0 0 0" in drawn
    assert "2 Elsa 55 30 0 5 20 0 0 0" in drawn
    assert "Don’t speak the language (1) Frida" in shown
    assert re.search(r"Leaving it waiting would have cost \d{5,6} points", shown)


def test_a_decision_of_many_tickets_shows_the_one_asked_for(viewer):
    make_card()
    tickets = [make_ticket() for _ in range(7)]
    for _ in range(7):
        make_agent()
    waves.run(at=clock.now())
    decision = Decision.objects.get()

    whole = viewer.get(page(DECISION, decision))
    one = viewer.get(page(DECISION, decision) + f"?ticket={tickets[3].pk}")

    assert (len(whole.context["tables"]), len(whole.context["others"])) == (5, 2)
    assert [table["title"] for table in one.context["tables"]] == [str(tickets[3])]


@pytest.mark.parametrize("odd", ["none", "01a20fe9-b23f-7071-a7fd-2c67f6e160a3", HOSTILE])
def test_an_odd_ticket_shows_the_first(viewer, decision, odd: str):
    answer = viewer.get(page(DECISION, decision), {"ticket": odd})

    assert len(answer.context["tables"]) == 1
    assert HOSTILE not in answer.content.decode()


def test_a_name_is_no_html(viewer):
    make_card()
    make_ticket()
    make_agent(HOSTILE)
    waves.run(at=clock.now())

    assert HOSTILE not in viewer.get(page(DECISION, Decision.objects.get())).content.decode()


def test_running_it_again_says_it_is_the_same(viewer, decision):
    answer = viewer.get(page(DECISION, decision, action="run_again"), follow=True)

    assert said(answer) == ["The same: 1 pair of 1."]


def test_running_it_again_says_what_is_not_the_same(viewer, decision):
    Decision.objects.update(pairs=[])

    answer = viewer.get(page(DECISION, decision, action="run_again"), follow=True)

    assert said(answer) == ["Another outcome: 0 pairs are lost and 1 are new."]


def test_nobody_changes_a_decision(coordinator, decision):
    answer = coordinator.post(page(DECISION, decision), {"pairs": "[]"})

    assert answer.status_code == 403
    assert Decision.objects.get().pairs == decision.pairs


def test_an_offer_and_its_ticket_lead_to_the_decision(viewer, decision):
    offer = Offer.objects.get()
    link = f"{page(DECISION, decision)}?ticket={offer.ticket_id}"

    assert link in viewer.get(page("dispatch_offer", offer)).content.decode()
    assert link in viewer.get(page("tickets_ticket", offer.ticket)).content.decode()


def test_an_offer_without_a_decision_has_no_link(viewer):
    shown = viewer.get(page("dispatch_offer", make_offer())).content.decode()

    assert "?ticket=" not in shown


# The policy


def test_a_new_version_begins_as_the_newest(coordinator):
    shown = coordinator.get(reverse(f"admin:{POLICY}_add")).context["adminform"].form

    assert shown.initial["language"] == 40
    assert shown["relax_after"].value() == "60,120"
    assert shown.initial.get("note") is None


def test_a_new_version_is_published_for_a_moment_to_come(coordinator):
    before = clock.now()

    add(coordinator, POLICY, **form(language=70, relax_after="30,90"))

    made = PolicyVersion.objects.get(pk=2)
    assert (made.language, made.relax_after, made.note) == (70, [30, 90], "Languages count more")
    assert made.valid_from >= before + policies.NOTICE
    assert policies.in_force(at=clock.now()).version == 1
    assert policies.in_force(at=made.valid_from).language == 70


def test_a_new_version_may_be_dated(coordinator):
    add(coordinator, POLICY, **form(valid_from="2100-01-01T12:00"))

    assert PolicyVersion.objects.get(pk=2).valid_from == datetime(2100, 1, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("note", " "),
        ("valid_from", "2026-11-02T00:00"),
        ("relax_after", "60,30"),
        ("relax_after", "soon"),
        ("language", "-1"),
        ("language", "1001"),
        ("waiting", "0"),
        ("unserved", "5000"),
        ("max_parallel_offers", "4"),
        ("quality_unknown", "101"),
    ],
)
def test_a_version_that_can_not_be_is_refused_and_changes_nothing(coordinator, field, given):
    answer = add(coordinator, POLICY, **form(**{field: given}))

    assert field in answer.context["adminform"].form.errors
    assert PolicyVersion.objects.count() == 1


def test_no_pair_may_cost_what_a_ticket_left_waiting_costs(coordinator):
    given = form(**dict.fromkeys(COSTS, 900), unserved=10_000)

    answer = add(coordinator, POLICY, **given)

    assert list(answer.context["adminform"].form.errors) == ["unserved"]


def test_a_version_is_read_only_and_shows_what_it_changed(coordinator):
    add(coordinator, POLICY, **form(language=70))
    second = PolicyVersion.objects.get(pk=2)

    answer = coordinator.get(page(POLICY, second))

    assert answer.context["changes"] == [("Language", "40", "70")]
    assert 'name="idle_enough"' not in answer.content.decode()
    assert coordinator.post(page(POLICY, second), form(language=1)).status_code == 403


def test_the_list_marks_the_version_in_force(coordinator):
    add(coordinator, POLICY, **form(valid_from="2100-01-01T12:00"))

    shown = text(coordinator.get(lists(POLICY)))

    assert re.search(r"2 to come .* 1 in force", shown)


def test_who_may_only_look_adds_no_version(viewer):
    assert viewer.get(page(POLICY, PolicyVersion.objects.get())).status_code == 200
    assert viewer.get(reverse(f"admin:{POLICY}_add")).status_code == 403


# Kept apart


def test_an_agent_and_a_customer_are_kept_apart_from_the_assignments_page(coordinator):
    assignment = make_assignment()

    coordinator.post(page("dispatch_assignment", assignment, action="keep_apart_here"), ASKED)

    kept = Acquaintance.objects.get()
    assert kept.agent == assignment.agent
    assert kept.customer_ref == assignment.ticket.customer_ref
    assert kept.blocked_at is not None


def test_who_may_only_look_keeps_nobody_apart(viewer):
    assignment = make_assignment()

    run(viewer, "dispatch_assignment", "keep_apart", assignment)

    assert Acquaintance.objects.count() == 0


def test_the_kept_apart_are_listed_and_unblocked(coordinator):
    acquaintances.meet(make_agent("Elsa").pk, make_ticket(), at=clock.now())
    acquaintances.block(make_agent("Amina"), make_ticket(), at=clock.now())
    kept = Acquaintance.objects.get(agent__name="Amina")

    listed = coordinator.get(lists("dispatch_acquaintance")).context["cl"].result_list
    assert [row.agent.name for row in listed] == ["Amina"]
    answer = run(coordinator, "dispatch_acquaintance", "unblock", kept)

    assert said(answer)[0].endswith("may meet again")
    assert Acquaintance.objects.filter(blocked_at__isnull=False).count() == 0


def test_who_may_only_look_unblocks_nobody(viewer):
    acquaintances.block(make_agent(), make_ticket(), at=clock.now())

    run(viewer, "dispatch_acquaintance", "unblock", Acquaintance.objects.get())

    assert Acquaintance.objects.get().blocked_at is not None


# Certificates


def agent_form(agent, **given: str) -> dict[str, object]:
    empty = {"TOTAL_FORMS": "0", "INITIAL_FORMS": "0"}
    parts = {
        f"{prefix}-{key}": value
        for prefix in ("languages", "skills", "certificates")
        for key, value in empty.items()
    }
    about = {"name": agent.name, "country": "FR", "time_zone": "Europe/Paris", "currency": "EUR"}
    return {**about, **parts, **given}


def test_a_certificate_is_given_on_the_agents_page_and_counts_at_once(coordinator):
    agent = make_agent()
    given = {
        "certificates-TOTAL_FORMS": "1",
        "certificates-0-code": "kyc",
        "certificates-0-valid_until": "2100-01-01",
        "certificates-0-agent": str(agent.pk),
    }

    coordinator.post(page("agents_agent", agent), agent_form(agent, **given))

    assert AgentCertificate.objects.get().code == "kyc"
    assert "+kyc" in Presence.objects.get(agent=agent).abilities


def test_a_new_last_day_makes_a_lapsed_certificate_count_again(coordinator):
    agent = make_agent()
    over = clock.now().date() - timedelta(days=2)
    held = AgentCertificate.objects.create(agent=agent, code="kyc", valid_until=over, lapsed=True)
    given = {
        "certificates-TOTAL_FORMS": "1",
        "certificates-INITIAL_FORMS": "1",
        "certificates-0-id": str(held.pk),
        "certificates-0-agent": str(agent.pk),
        "certificates-0-code": "kyc",
        "certificates-0-valid_until": "2100-01-01",
    }

    coordinator.post(page("agents_agent", agent), agent_form(agent, **given))

    held.refresh_from_db()
    assert not held.lapsed
    assert "+kyc" in Presence.objects.get(agent=agent).abilities


def test_the_sidebar_leads_to_matching(coordinator):
    shown = coordinator.get(reverse("admin:index")).content.decode()

    for model in (DECISION, POLICY, "dispatch_acquaintance"):
        assert f'href="{lists(model)}"' in shown
