"""The admin pages of decisions."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse

from dispatch.admin import reasons
from dispatch.explanations import not_considered
from dispatch.models import Decision, Offer
from dispatch.models.policies import COSTS
from dispatch.rules.policy import LANE_FILTERS, PAIR_FILTERS
from dispatch.waves import wave
from tests.factories import (
    make_agent,
    make_card,
    make_offer,
    make_ticket,
)
from tests.staff import (
    HOSTILE,
    list_address,
    log_in_coordinator,
    log_in_viewer,
    page_address,
    read_messages,
    read_text,
)
from tickets import clock

pytestmark = pytest.mark.django_db
DECISION, POLICY = "dispatch_decision", "dispatch_policyversion"


@pytest.fixture
def coordinator():
    return log_in_coordinator()


@pytest.fixture
def viewer():
    return log_in_viewer()


@pytest.fixture
def decision() -> Decision:
    """A decision: Amina was chosen, Elsa costs more, Frida lacks the language."""
    make_card()
    make_ticket()
    make_agent("Amina")
    make_agent("Elsa", languages={"en": 2})
    make_agent("Frida", languages={"fr": 5})
    wave.run(at=clock.now())
    return Decision.objects.get()


def test_every_name_of_the_policy_has_a_column_and_a_reason():
    filters = {**LANE_FILTERS, **PAIR_FILTERS}.keys()

    assert reasons.EXCLUDED.keys() == filters | set(not_considered.OUTSIDE_POLICY)
    assert reasons.COLUMNS.keys() == set(COSTS)


def test_decisions_are_listed_with_what_they_saw(viewer, decision):
    shown = read_text(viewer.get(list_address(DECISION)))

    assert re.search(r"matching policy 1 1 2 1", shown)


def test_a_decision_says_what_was_lowered_before_it(viewer):
    make_card()
    needs = [{"code": "cards", "level": 3}, {"code": "loans", "gives_way": True}]
    make_ticket(at=clock.now() - timedelta(seconds=61), skills=needs)
    make_agent(skills={"cards": 1})
    wave.lower_levels(at=clock.now())
    wave.run(at=clock.now())

    shown = read_text(viewer.get(page_address(DECISION, Decision.objects.latest("at"))))

    assert "cards ≥ 1" in shown
    assert "Cards was asked for at level 3; after 1 min level 1 is enough." in shown
    assert "Loans was asked for at level 1; after 1 min it is no longer asked for." in shown


def test_the_reasons_of_an_offer_say_what_was_lowered():
    given = {"waited_s": 61, "lowered": {"cards": [3, 2], "loans": [1, 0]}}

    assert reasons.list_reasons(given)[1:] == [
        "Cards was asked for at level 3; after 1 min level 2 is enough",
        "Loans was asked for at level 1; after 1 min it is no longer asked for",
    ]


def test_a_decision_shows_every_agent_with_its_cost(viewer, decision):
    shown = read_text(viewer.get(page_address(DECISION, decision)))

    drawn = re.sub(r"[A-Z][a-z ]+: \d+ ", "", shown)
    assert "1 Amina paired 66 0 0 1 5 60 0 0 0" in drawn
    assert "2 Elsa 81 15 0 1 5 60 0 0 0" in drawn
    assert "Don’t speak the language (1) Frida" in shown
    assert re.search(r"Leaving it waiting would have cost \d{5,6} points", shown)


def test_a_decision_of_many_tickets_shows_the_one_asked_for(viewer):
    make_card()
    tickets = [make_ticket() for _ in range(7)]
    for _ in range(7):
        make_agent()
    wave.run(at=clock.now())
    decision = Decision.objects.get()

    whole = viewer.get(page_address(DECISION, decision))
    one = viewer.get(page_address(DECISION, decision) + f"?ticket={tickets[3].pk}")

    assert (len(whole.context["tables"]), len(whole.context["others"])) == (5, 2)
    assert [table["title"] for table in one.context["tables"]] == [str(tickets[3])]


@pytest.mark.parametrize("odd", ["none", "01a20fe9-b23f-7071-a7fd-2c67f6e160a3", HOSTILE])
def test_an_invalid_ticket_shows_the_first(viewer, decision, odd: str):
    answer = viewer.get(page_address(DECISION, decision), {"ticket": odd})

    assert len(answer.context["tables"]) == 1
    assert HOSTILE not in answer.content.decode()


def test_a_name_is_escaped(viewer):
    make_card()
    make_ticket()
    make_agent(HOSTILE)
    wave.run(at=clock.now())

    assert (
        HOSTILE not in viewer.get(page_address(DECISION, Decision.objects.get())).content.decode()
    )


def test_a_replay_with_the_same_result_says_so(viewer, decision):
    answer = viewer.get(page_address(DECISION, decision, action="run_again"), follow=True)

    assert read_messages(answer) == ["The same: 1 pair of 1."]


def test_a_replay_with_another_result_shows_the_difference(viewer, decision):
    Decision.objects.update(pairs=[])

    answer = viewer.get(page_address(DECISION, decision, action="run_again"), follow=True)

    assert read_messages(answer) == ["Another outcome: 0 pairs are lost and 1 are new."]


def test_a_decision_cannot_be_changed(coordinator, decision):
    answer = coordinator.post(page_address(DECISION, decision), {"pairs": "[]"})

    assert answer.status_code == 403
    assert Decision.objects.get().pairs == decision.pairs


def test_an_offer_and_its_ticket_link_to_the_decision(viewer, decision):
    offer = Offer.objects.get()
    link = f"{page_address(DECISION, decision)}?ticket={offer.ticket_id}"

    assert link in viewer.get(page_address("dispatch_offer", offer)).content.decode()
    assert link in viewer.get(page_address("tickets_ticket", offer.ticket)).content.decode()


def test_an_offer_without_a_decision_has_no_link(viewer):
    shown = viewer.get(page_address("dispatch_offer", make_offer())).content.decode()

    assert "?ticket=" not in shown


def test_the_sidebar_links_to_matching(coordinator):
    shown = coordinator.get(reverse("admin:index")).content.decode()

    for model in (DECISION, POLICY, "dispatch_customeraffinity"):
        assert f'href="{list_address(model)}"' in shown
