"""The floor, the first page of the admin: live figures, the queue and the agents."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission

from agents.models import Presence
from dispatch import assignments
from dispatch.models import Offer
from tests.factories import (
    make_agent,
    make_assignment,
    make_ticket,
    make_user,
)
from tests.staff import (
    HOSTILE,
    list_address,
    log_in,
    log_in_coordinator,
    log_in_viewer,
)
from tickets import clock

pytestmark = pytest.mark.django_db


def tiles(browser):
    return {tile.title: tile for tile in browser.get("/admin/").context["tiles"]}


@pytest.fixture
def coordinator():
    return log_in_coordinator()


@pytest.fixture
def viewer():
    return log_in_viewer()


# The floor


def test_the_floor_counts_tickets_and_agents(coordinator):
    late = clock.now() - timedelta(minutes=2)
    make_ticket(at=late)
    make_ticket()
    make_agent("Amina")
    make_assignment(agent=make_agent("Bjorn"), ticket=make_ticket())

    shown = tiles(coordinator)

    assert shown["Waiting"].figure == "2"
    assert (shown["Longest wait"].figure, shown["Longest wait"].wrong) == ("2 min", True)
    assert [shown[name].figure for name in ("Available", "Busy", "Away")] == ["1", "1", "0"]
    assert shown["Answered as promised today"].figure == "100 %"
    for tile in shown.values():
        assert coordinator.get(tile.href).status_code == 200


def test_the_floor_shows_silent_agents(coordinator):
    make_agent()
    Presence.objects.update(seen_at=clock.now() - timedelta(minutes=1))

    assert tiles(coordinator)["Silent"].wrong


def test_the_floor_counts_cost_by_currency(coordinator):
    assignment = make_assignment()
    assignments.resolve(assignment, disposition="solved", at=clock.now())
    assignments.finish(assignment, at=clock.now())

    assert tiles(coordinator)["Cost today"].figure == "€3.90"


def test_the_floor_lists_the_queue_and_the_agents(coordinator):
    make_ticket(customer={"ref": "a", "name": f"First {HOSTILE}"}, urgency="high")
    make_ticket(customer={"ref": "b", "name": "Second"})
    make_agent(f"Amina {HOSTILE}")
    make_agent("Gone", available=False)

    floor = coordinator.get("/admin/")
    shown = floor.content.decode()

    assert shown.index("First &lt;script&gt;") < shown.index("Second")
    assert "Amina &lt;script&gt;" in shown
    assert "Gone" not in shown
    assert HOSTILE not in shown


def test_the_floor_is_in_the_language_of_the_user(coordinator):
    assignment = make_assignment()
    assignments.hand_back(assignment, reason="bot_can", at=clock.now())
    assignments.finish(assignment, at=clock.now())

    answer = coordinator.get("/admin/", headers={"accept-language": "fr"})

    costs = [tile.figure for tile in answer.context["tiles"] if "€" in tile.figure]
    assert costs == ["3,90\xa0€"]


@pytest.mark.parametrize(
    ("model", "words"), [("assignment", "handed back"), ("offer", "withdrawn")]
)
def test_every_status_is_shown_by_its_label(coordinator, model, words):
    assignment = make_assignment()
    assignments.hand_back(assignment, reason="bot_can", at=clock.now())
    assignments.finish(assignment, at=clock.now())
    Offer.objects.update(status="withdrawn")

    shown = coordinator.get(list_address(f"dispatch_{model}")).content.decode()
    cell = re.search(r'<td class="field-state.*?</td>', shown, re.DOTALL)

    assert cell
    assert re.sub(r"<[^>]*>", "", cell[0]).strip() == words


def test_an_empty_floor_has_figures(coordinator):
    shown = tiles(coordinator)

    assert shown["Waiting"].figure == "0"
    assert shown["Longest wait"].figure == "—"
    assert shown["Cost today"].figure == "—"


def test_a_user_without_ledger_permission_sees_no_cost():
    user = make_user("tom", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename="view_ticket"))

    shown = tiles(log_in(user))

    assert set(shown) == {"Waiting", "Longest wait", "Answered as promised today"}


def test_staff_without_permissions_see_an_empty_floor_and_no_lists():
    browser = log_in(make_user("tom", is_staff=True))

    assert browser.get("/admin/").context["tiles"] == []
    assert browser.get(list_address("dispatch_offer")).status_code == 403


@pytest.mark.parametrize("path", ["/admin/", "/admin/agents/agent/"])
def test_the_csp_of_a_page_refuses_inline_scripts(coordinator, path):
    policy = coordinator.get(path).headers["content-security-policy"]

    assert "script-src 'self' 'unsafe-eval'" in policy
    assert "default-src 'none'" in policy
