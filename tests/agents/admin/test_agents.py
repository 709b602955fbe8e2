"""The coordinators' pages of agents: their presence, work and abilities, and the roster's
actions."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.urls import reverse

from agents import presence
from agents.admin import today
from agents.models import Agent, Presence, User
from agents.pay import ledger
from tests.factories import make_agent, make_assignment, make_user
from tests.staff import (
    HOSTILE,
    RIGHT_TO_LEFT,
    SUBMITTED,
    list_address,
    log_in_coordinator,
    log_in_viewer,
    page_address,
    read_messages,
    run_action,
)
from tickets import clock

pytestmark = pytest.mark.django_db


def make_entry():
    assignment = make_assignment()
    return ledger.credit(
        assignment.agent,
        amount=435,
        currency="EUR",
        source_type="assignment",
        source_id=assignment.pk,
        memo={"quote": assignment.offer.pay, "engaged_s": 61},
        at=clock.now(),
    )


@pytest.fixture
def coordinator():
    return log_in_coordinator()


@pytest.fixture
def viewer():
    return log_in_viewer()


# Agents


def test_the_list_runs_as_many_queries_for_thirty_agents_as_for_three(
    coordinator, django_assert_max_num_queries
):
    for number in range(3):
        make_agent(f"Agent {number}", skills={"cards": 3})
    make_entry()
    coordinator.get(list_address("agents_agent"))
    with django_assert_max_num_queries(100) as few:
        coordinator.get(list_address("agents_agent"))
    for number in range(27):
        make_agent(f"More {number}", skills={"cards": 3})

    with django_assert_max_num_queries(len(few)):
        answer = coordinator.get(list_address("agents_agent"))

    assert answer.content.decode().count("More ") == 27


def test_the_list_escapes_html_in_names(coordinator):
    agent = make_agent(HOSTILE + RIGHT_TO_LEFT)

    for address in (list_address("agents_agent"), page_address("agents_agent", agent)):
        shown = coordinator.get(address).content.decode()
        assert HOSTILE not in shown
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" + RIGHT_TO_LEFT in shown


@pytest.mark.parametrize(
    ("status", "load", "seen_ago", "state"),
    [
        ("available", 0, 1, "available"),
        ("available", 1, 1, "busy"),
        ("away", 1, 1, "away"),
        ("available", 0, 50, "silent"),
        ("away", 0, 50, "silent"),
        ("offline", 0, 50, "offline"),
    ],
)
def test_the_list_computes_busy_and_silent(coordinator, status, load, seen_ago, state):
    agent, at = make_agent(), clock.now()
    seen_at = at - timedelta(seconds=seen_ago)
    Presence.objects.filter(agent=agent).update(status=status, load=load, seen_at=seen_at)

    stated = today.annotate_state(Agent.objects.all(), at=at).get()
    found = coordinator.get(list_address("agents_agent"), {"state": state}).content.decode()

    assert stated.state == state
    assert "Amina" in found


def test_hours_and_earnings_begin_at_the_agents_own_midnight(noon):
    agent = make_agent(available=False, time_zone="Asia/Tokyo")
    midnight = noon - timedelta(hours=21)
    presence.go_available(agent, at=midnight - timedelta(hours=2))
    presence.go_offline(agent, at=midnight + timedelta(hours=3))
    for hours, amount in ((-1, 100), (1, 250)):
        ledger.credit(
            agent, amount=amount, currency="EUR", source_type="test", source_id=uuid4(),
            memo={}, at=midnight + timedelta(hours=hours),
        )  # fmt: skip

    row = today.prefetch_today(Agent.objects.all(), at=noon).get()

    assert today.sum_hours(row, at=noon) == timedelta(hours=3)
    assert today.sum_earnings(row, at=noon) == {"EUR": 250}


@pytest.mark.parametrize("where", ["language", "skill"])
def test_a_filter_by_ability_narrows_the_list(coordinator, where):
    make_agent("Amina", languages={"fr": 5}, skills={"loans": 4})
    make_agent("Bjorn", languages={"en": 5}, skills={"cards": 4})

    code = {"language": "fr", "skill": "loans"}[where]
    shown = coordinator.get(list_address("agents_agent"), {where: code}).content.decode()

    assert "Amina" in shown
    assert "Bjorn" not in shown


def test_the_approve_action_approves_an_agent(coordinator):
    agent = make_agent(approved=False, available=False)

    run_action(coordinator, "agents_agent", "approve", agent)

    assert Agent.objects.get().status == Agent.Status.APPROVED


def test_the_restrict_action_takes_an_agent_offline(coordinator):
    agent = make_agent()

    run_action(coordinator, "agents_agent", "restrict", agent)

    assert Agent.objects.get().status == Agent.Status.RESTRICTED
    assert Presence.objects.get().status == Presence.Status.OFFLINE


def test_an_action_sends_an_agent_on_a_break_or_offline(coordinator):
    resting, leaving = make_agent("Amina"), make_agent("Bjorn")

    run_action(coordinator, "agents_agent", "send_on_break", resting)
    run_action(coordinator, "agents_agent", "take_offline", leaving)

    assert Presence.objects.get(agent=resting).status == Presence.Status.AWAY
    assert Presence.objects.get(agent=leaving).status == Presence.Status.OFFLINE


def test_a_button_on_the_page_asks_before_it_acts(coordinator):
    agent = make_agent()
    address = page_address("agents_agent", agent, action="restrict_here")

    asked = coordinator.get(address)
    before = Agent.objects.get().status
    answer = coordinator.post(address, SUBMITTED)

    assert asked.status_code == 200
    assert before == Agent.Status.APPROVED
    assert answer.headers["HX-Redirect"] == page_address("agents_agent", agent)
    assert Agent.objects.get().status == Agent.Status.RESTRICTED


def test_capacity_below_the_load_is_refused_with_a_sentence(coordinator):
    agent = make_agent(capacity=3)
    Presence.objects.update(load=2)
    address = page_address("agents_agent", agent, action="set_capacity")

    coordinator.post(address, {**SUBMITTED, "capacity": 1})
    warned = read_messages(coordinator.get(page_address("agents_agent", agent)))
    coordinator.post(address, {**SUBMITTED, "capacity": 5})

    assert warned == [
        "Amina: This agent holds more conversations than that now; lower the limit when some have "
        "ended."
    ]
    assert Presence.objects.get().capacity == 5


def invitation_form(**given):
    return {
        "login": "", "user_name": "amina", "password": "", "name": "Amina", "country": "KE",
        "time_zone": "Africa/Nairobi", "currency": "kes", "capacity": 2,
        "languages-TOTAL_FORMS": 1, "languages-INITIAL_FORMS": 0,
        "languages-0-language": "en", "languages-0-level": 5,
        "skills-TOTAL_FORMS": 1, "skills-INITIAL_FORMS": 0,
        "certificates-TOTAL_FORMS": 0, "certificates-INITIAL_FORMS": 0,
        "skills-0-skill": "cards", "skills-0-level": 4, **given,
    }  # fmt: skip


def test_inviting_makes_a_login_and_an_agent_not_yet_approved(coordinator):
    form = invitation_form(password="a long enough word")

    coordinator.post(reverse("admin:agents_agent_add"), form)

    agent = Agent.objects.get()
    assert (agent.name, agent.status, agent.currency) == ("Amina", "invited", "KES")
    assert agent.user.check_password("a long enough word")
    assert agent.presence.capacity == 2
    assert dict(agent.languages.values_list("language", "level")) == {"en": 5}
    assert dict(agent.skills.values_list("skill", "level")) == {"cards": 4}


def test_saving_an_agent_keeps_a_language_and_country_outside_the_lists(coordinator):
    agent = make_agent(languages={"haw": 4}, time_zone="Etc/GMT+3", available=False)
    language = agent.languages.get()
    form = invitation_form(
        **{
            "time_zone": "Etc/GMT+3", "currency": "EUR", "skills-TOTAL_FORMS": 0,
            "languages-INITIAL_FORMS": 1, "languages-0-id": language.pk,
            "languages-0-agent": agent.pk, "languages-0-language": "haw", "languages-0-level": 5,
        }
    )  # fmt: skip

    shown = coordinator.get(page_address("agents_agent", agent)).content.decode()
    coordinator.post(page_address("agents_agent", agent), form)

    assert '<option value="haw" selected>' in shown
    agent.refresh_from_db()
    assert agent.time_zone == "Etc/GMT+3"
    assert list(agent.languages.values_list("language", "level")) == [("haw", 5)]


def test_an_existing_login_can_become_an_agent(coordinator):
    login = make_user("amina")

    coordinator.post(
        reverse("admin:agents_agent_add"), invitation_form(login=login.pk, user_name="")
    )

    assert Agent.objects.get().user == login


@pytest.mark.parametrize(
    "given",
    [
        {"user_name": ""},
        {"user_name": "cora"},
        {"password": "short"},
        {"currency": "XXQ"},
        {"time_zone": "Mars/Olympus"},
        {"capacity": 11},
    ],
)
def test_an_invalid_invitation_creates_no_agent(coordinator, given):
    answer = coordinator.post(reverse("admin:agents_agent_add"), invitation_form(**given))

    assert answer.status_code == 200
    assert not Agent.objects.exists()
    assert User.objects.count() == 1


def test_the_form_cannot_change_the_status(coordinator):
    agent = make_agent(approved=False, available=False)
    form = invitation_form(
        status="approved", **{"skills-TOTAL_FORMS": 0, "languages-TOTAL_FORMS": 0}
    )

    coordinator.post(page_address("agents_agent", agent), {**form, "name": "Amina B."})

    changed = Agent.objects.get()
    assert (changed.name, changed.status) == ("Amina B.", "invited")


def test_a_viewer_sees_agents_and_cannot_change_them(viewer):
    agent = make_agent()
    here = page_address("agents_agent", agent)

    seen = viewer.get(here)
    run_action(viewer, "agents_agent", "restrict", agent)
    refused = [
        viewer.post(here, {"name": "Changed"}),
        viewer.post(here.replace("change/", "restrict_here/"), SUBMITTED),
        viewer.post(here.replace("change/", "set_capacity/"), {**SUBMITTED, "capacity": 4}),
        viewer.get(reverse("admin:agents_agent_add")),
        viewer.get(here.replace("change/", "delete/")),
    ]

    assert seen.status_code == 200
    assert [answer.status_code for answer in refused] == [403] * 5
    assert Agent.objects.get().status == Agent.Status.APPROVED
    assert Presence.objects.get().capacity == 1
