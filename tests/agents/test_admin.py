"""The coordinators' pages of supply: who gets in, what is shown, what the actions do."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission
from django.test import Client as Browser
from django.urls import reverse

from agents import presence
from agents.admin import today
from agents.models import Agent, JournalEntry, Presence, RateCard, User
from agents.pay import ledger
from tests.factories import make_agent, make_assignment, make_card, make_coordinator, make_user
from tickets import clock

pytestmark = pytest.mark.django_db
ASKED = {"_form_submitted": "on"}
HOSTILE = "<script>alert(1)</script>"
TURNED = "\u202eאבג"


@pytest.fixture
def coordinator():
    browser = Browser()
    browser.force_login(make_coordinator(password=None))
    return browser


@pytest.fixture
def viewer():
    """Staff who may see everything and change nothing."""
    user = make_user("vera", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    browser = Browser()
    browser.force_login(user)
    return browser


def lists(model):
    return reverse(f"admin:{model}_changelist")


def page(model, row):
    return reverse(f"admin:{model}_change", args=[row.pk])


def run(browser, model, action, *rows):
    form = {"action": action, "_selected_action": [str(row.pk) for row in rows]}
    return browser.post(lists(model), form, follow=True)


def said(answer):
    return [str(message) for message in answer.context["messages"]]


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


# Who gets in


def test_a_stranger_is_sent_to_the_login():
    answer = Browser().get("/admin/")

    assert answer.status_code == 302
    assert answer.headers["location"].startswith("/admin/login/")


def test_an_agent_does_not_get_in():
    browser = Browser()
    browser.force_login(make_agent().user)

    answer = browser.get(lists("agents_agent"))

    assert answer.status_code == 302


def test_the_login_page_leads_to_the_floor():
    answer = Browser().get("/admin/login/")

    assert '<input type="hidden" name="next" value="/admin/"' in answer.content.decode()


# Agents


def test_the_list_asks_as_many_questions_for_thirty_agents_as_for_three(
    coordinator, django_assert_max_num_queries
):
    for number in range(3):
        make_agent(f"Agent {number}", skills={"cards": 3})
    make_entry()
    coordinator.get(lists("agents_agent"))
    with django_assert_max_num_queries(100) as few:
        coordinator.get(lists("agents_agent"))
    for number in range(27):
        make_agent(f"More {number}", skills={"cards": 3})

    with django_assert_max_num_queries(len(few)):
        answer = coordinator.get(lists("agents_agent"))

    assert answer.content.decode().count("More ") == 27


def test_names_are_shown_as_the_text_they_are(coordinator):
    agent = make_agent(HOSTILE + TURNED)

    for address in (lists("agents_agent"), page("agents_agent", agent)):
        shown = coordinator.get(address).content.decode()
        assert HOSTILE not in shown
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" + TURNED in shown


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
def test_busy_and_silent_are_computed(coordinator, status, load, seen_ago, state):
    agent, at = make_agent(), clock.now()
    seen_at = at - timedelta(seconds=seen_ago)
    Presence.objects.filter(agent=agent).update(status=status, load=load, seen_at=seen_at)

    stated = today.with_state(Agent.objects.all(), at=at).get()
    found = coordinator.get(lists("agents_agent"), {"state": state}).content.decode()

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

    row = today.with_today(Agent.objects.all(), at=noon).get()

    assert today.worked(row, at=noon) == timedelta(hours=3)
    assert today.earned(row, at=noon) == {"EUR": 250}


@pytest.mark.parametrize("where", ["language", "skill"])
def test_agents_can_be_narrowed_by_what_they_know(coordinator, where):
    make_agent("Amina", languages={"fr": 5}, skills={"loans": 4})
    make_agent("Bjorn", languages={"en": 5}, skills={"cards": 4})

    code = {"language": "fr", "skill": "loans"}[where]
    shown = coordinator.get(lists("agents_agent"), {where: code}).content.decode()

    assert "Amina" in shown
    assert "Bjorn" not in shown


def test_approving_lets_an_agent_work(coordinator):
    agent = make_agent(approved=False, available=False)

    run(coordinator, "agents_agent", "approve", agent)

    assert Agent.objects.get().status == Agent.Status.APPROVED


def test_restricting_takes_an_agent_offline(coordinator):
    agent = make_agent()

    run(coordinator, "agents_agent", "restrict", agent)

    assert Agent.objects.get().status == Agent.Status.RESTRICTED
    assert Presence.objects.get().status == Presence.Status.OFFLINE


def test_a_break_and_the_way_home_can_be_ordered(coordinator):
    resting, leaving = make_agent("Amina"), make_agent("Bjorn")

    run(coordinator, "agents_agent", "send_on_break", resting)
    run(coordinator, "agents_agent", "take_offline", leaving)

    assert Presence.objects.get(agent=resting).status == Presence.Status.AWAY
    assert Presence.objects.get(agent=leaving).status == Presence.Status.OFFLINE


def test_a_button_on_the_page_asks_before_it_acts(coordinator):
    agent = make_agent()
    address = page("agents_agent", agent).replace("change/", "restrict_here/")

    asked = coordinator.get(address)
    before = Agent.objects.get().status
    answer = coordinator.post(address, ASKED)

    assert asked.status_code == 200
    assert before == Agent.Status.APPROVED
    assert answer.headers["HX-Redirect"] == page("agents_agent", agent)
    assert Agent.objects.get().status == Agent.Status.RESTRICTED


def test_capacity_below_the_load_is_refused_in_a_sentence(coordinator):
    agent = make_agent(capacity=3)
    Presence.objects.update(load=2)
    address = page("agents_agent", agent).replace("change/", "set_capacity/")

    coordinator.post(address, {**ASKED, "capacity": 1})
    warned = said(coordinator.get(page("agents_agent", agent)))
    coordinator.post(address, {**ASKED, "capacity": 5})

    assert warned == [
        "Amina: This agent holds more conversations than that now; lower the limit when some have "
        "ended."
    ]
    assert Presence.objects.get().capacity == 5


def invitation(**given):
    return {
        "login": "", "user_name": "amina", "password": "", "name": "Amina", "country": "KE",
        "time_zone": "Africa/Nairobi", "currency": "kes", "capacity": 2,
        "languages-TOTAL_FORMS": 1, "languages-INITIAL_FORMS": 0,
        "languages-0-language": "en", "languages-0-level": 5,
        "skills-TOTAL_FORMS": 1, "skills-INITIAL_FORMS": 0,
        "skills-0-skill": "cards", "skills-0-level": 4, **given,
    }  # fmt: skip


def test_inviting_makes_a_login_and_an_agent_not_yet_approved(coordinator):
    form = invitation(password="a long enough word")

    coordinator.post(reverse("admin:agents_agent_add"), form)

    agent = Agent.objects.get()
    assert (agent.name, agent.status, agent.currency) == ("Amina", "invited", "KES")
    assert agent.user.check_password("a long enough word")
    assert agent.presence.capacity == 2
    assert dict(agent.languages.values_list("language", "level")) == {"en": 5}
    assert dict(agent.skills.values_list("skill", "level")) == {"cards": 4}


def test_a_language_and_a_place_nobody_lists_stay_as_they_are(coordinator):
    agent = make_agent(languages={"haw": 4}, time_zone="Etc/GMT+3", available=False)
    language = agent.languages.get()
    form = invitation(
        **{
            "time_zone": "Etc/GMT+3", "currency": "EUR", "skills-TOTAL_FORMS": 0,
            "languages-INITIAL_FORMS": 1, "languages-0-id": language.pk,
            "languages-0-agent": agent.pk, "languages-0-language": "haw", "languages-0-level": 5,
        }
    )  # fmt: skip

    shown = coordinator.get(page("agents_agent", agent)).content.decode()
    coordinator.post(page("agents_agent", agent), form)

    assert '<option value="haw" selected>' in shown
    agent.refresh_from_db()
    assert agent.time_zone == "Etc/GMT+3"
    assert list(agent.languages.values_list("language", "level")) == [("haw", 5)]


def test_an_existing_login_can_become_an_agent(coordinator):
    login = make_user("amina")

    coordinator.post(reverse("admin:agents_agent_add"), invitation(login=login.pk, user_name=""))

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
def test_an_invitation_that_makes_no_sense_makes_nobody(coordinator, given):
    answer = coordinator.post(reverse("admin:agents_agent_add"), invitation(**given))

    assert answer.status_code == 200
    assert not Agent.objects.exists()
    assert User.objects.count() == 1


def test_the_status_cannot_be_written_by_the_form(coordinator):
    agent = make_agent(approved=False, available=False)
    form = invitation(status="approved", **{"skills-TOTAL_FORMS": 0, "languages-TOTAL_FORMS": 0})

    coordinator.post(page("agents_agent", agent), {**form, "name": "Amina B."})

    changed = Agent.objects.get()
    assert (changed.name, changed.status) == ("Amina B.", "invited")


def test_a_viewer_sees_agents_and_changes_nothing(viewer):
    agent = make_agent()
    here = page("agents_agent", agent)

    seen = viewer.get(here)
    run(viewer, "agents_agent", "restrict", agent)
    refused = [
        viewer.post(here, {"name": "Changed"}),
        viewer.post(here.replace("change/", "restrict_here/"), ASKED),
        viewer.post(here.replace("change/", "set_capacity/"), {**ASKED, "capacity": 4}),
        viewer.get(reverse("admin:agents_agent_add")),
        viewer.get(here.replace("change/", "delete/")),
    ]

    assert seen.status_code == 200
    assert [answer.status_code for answer in refused] == [403] * 5
    assert Agent.objects.get().status == Agent.Status.APPROVED
    assert Presence.objects.get().capacity == 1


# Ledger


def test_an_entry_shows_its_lines_as_money(coordinator):
    entry = make_entry()

    shown = coordinator.get(page("agents_journalentry", entry)).content.decode()

    assert "€4.35" in shown
    assert "expense:work" in shown
    assert "per ticket: €1.50" in shown


def test_an_entry_is_reversed_with_a_reason_and_a_reversal_is_not(coordinator):
    entry = make_entry()
    address = page("agents_journalentry", entry).replace("change/", "reverse/")

    coordinator.post(address, {**ASKED, "reason": "paid twice"})
    reversal = JournalEntry.objects.get(kind="reversal")
    again = page("agents_journalentry", reversal)
    coordinator.post(again.replace("change/", "reverse/"), {**ASKED, "reason": "no"})

    assert reversal.memo == {"reason": "paid twice"}
    assert "A reversal can't be reversed." in " ".join(said(coordinator.get(again)))
    assert JournalEntry.objects.count() == 2


def test_a_reversal_needs_a_reason(coordinator):
    entry = make_entry()
    address = page("agents_journalentry", entry).replace("change/", "reverse/")

    coordinator.post(address, {**ASKED, "reason": ""})

    assert JournalEntry.objects.count() == 1


def test_nobody_writes_the_ledger_by_hand(coordinator, viewer):
    entry = make_entry()
    here = page("agents_journalentry", entry)

    assert coordinator.post(here, {"kind": "reversal"}).status_code == 403
    assert coordinator.get(here.replace("change/", "delete/")).status_code == 403
    assert coordinator.get(reverse("admin:agents_journalentry_add")).status_code == 403
    assert viewer.post(here.replace("change/", "reverse/"), ASKED).status_code == 403


def test_the_ledger_can_be_searched_by_agent_and_by_day(coordinator):
    make_entry()
    at = clock.now()

    by_name = coordinator.get(lists("agents_journalentry"), {"q": "amina"})
    by_day = coordinator.get(
        lists("agents_journalentry"), {"occurred_at__year": at.year, "occurred_at__month": at.month}
    )

    assert "€4.35" in by_name.content.decode()
    assert "€4.35" in by_day.content.decode()


# Rate cards


def card_form(card, **given):
    start = card.valid_from
    return {
        "client": card.client, "currency": "EUR", "per_ticket": 200, "per_minute": "30",
        "least": 0, "expected_minutes": 8, "valid_from_0": f"{start:%Y-%m-%d}",
        "valid_from_1": f"{start:%H:%M:%S}", "valid_to_0": "", "valid_to_1": "",
        "premiums-TOTAL_FORMS": 0, "premiums-INITIAL_FORMS": 0, **given,
    }  # fmt: skip


def test_a_card_in_force_is_only_read(coordinator):
    card = make_card()

    seen = coordinator.get(page("agents_ratecard", card))
    changed = coordinator.post(page("agents_ratecard", card), card_form(card))

    assert "€1.50" in seen.content.decode()
    assert changed.status_code == 403
    assert RateCard.objects.get().per_ticket == 150


def test_a_card_to_come_can_be_changed(coordinator):
    card = make_card(valid_from=clock.now() + timedelta(days=2))

    coordinator.post(page("agents_ratecard", card), card_form(card))

    assert RateCard.objects.get().per_ticket == 200


def test_a_card_cannot_begin_in_the_past(coordinator):
    card = make_card(valid_from=clock.now() + timedelta(days=2))
    before = clock.now()

    form = card_form(card, valid_from_0="2020-01-01", valid_from_1="00:00:00")
    coordinator.post(page("agents_ratecard", card), form)

    assert RateCard.objects.get().valid_from >= before


def test_a_new_version_copies_the_rates_and_premiums(coordinator):
    card = make_card(skills={"cards": 25})
    address = page("agents_ratecard", card).replace("change/", "new_version/")
    start = f"{clock.now() + timedelta(days=3):%Y-%m-%dT%H:%M}"

    coordinator.post(address, {**ASKED, "valid_from": start})

    made = RateCard.objects.exclude(pk=card.pk).get()
    assert (made.per_ticket, made.per_minute, made.valid_to) == (150, 30, None)
    assert list(made.premiums.values_list("kind", "code", "per_ticket")) == [("skill", "cards", 25)]
    assert card.premiums.count() == 1


def test_a_new_version_is_not_for_the_past(coordinator):
    card = make_card()
    address = page("agents_ratecard", card).replace("change/", "new_version/")

    answer = coordinator.post(address, {**ASKED, "valid_from": "2020-01-01T10:00"})

    assert "still to come" in answer.content.decode()
    assert RateCard.objects.count() == 1


# Logins


def test_a_coordinator_cannot_take_over_a_stronger_login():
    superuser = make_coordinator(password=None)
    clerk, agent = make_user("clerk", is_staff=True), make_user("plain")
    clerk.user_permissions.set(Permission.objects.filter(codename__endswith="_user"))
    browser = Browser()
    browser.force_login(clerk)
    password = {"password1": "a long enough word", "password2": "a long enough word"}

    refused = [
        browser.post(page("agents_user", login), {"username": "mine"})
        for login in (superuser, clerk)
    ]
    refused.append(
        browser.post(reverse("admin:auth_user_password_change", args=[superuser.pk]), password)
    )
    browser.post(
        page("agents_user", agent),
        {"username": "plain", "language": "en", "is_active": "on", "is_superuser": "on"},
    )

    assert [answer.status_code for answer in refused] == [403, 403, 403]
    assert not User.objects.get(pk=agent.pk).is_superuser


def test_only_a_superuser_changes_groups(viewer, coordinator):
    assert viewer.get(reverse("admin:auth_group_add")).status_code == 403
    assert coordinator.get(reverse("admin:auth_group_add")).status_code == 200
