"""The admin pages of demand: tickets and timelines, clients and skills."""

from datetime import timedelta

import pytest
from django.urls import reverse

from tests.factories import (
    make_endpoint,
    make_message,
    make_skill,
    make_ticket,
)
from tests.staff import (
    ESCAPED,
    HOSTILE,
    RIGHT_TO_LEFT,
    SUBMITTED,
    list_address,
    log_in_coordinator,
    log_in_viewer,
    page_address,
    read_messages,
    run_action,
    submit_new,
)
from tickets.models import (
    Client,
    Skill,
    Ticket,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def coordinator():
    return log_in_coordinator()


@pytest.fixture
def viewer():
    return log_in_viewer()


# Tickets


def test_text_of_customers_is_shown_escaped(coordinator):
    ticket = make_ticket(
        customer={"ref": "c", "name": HOSTILE + RIGHT_TO_LEFT},
        summary=f"summary {HOSTILE}",
        tried=[f"tried {HOSTILE}"],
        context={f"key {HOSTILE}": f"value {HOSTILE}"},
        transcript=[{"role": "customer", "at": "2026-11-22T10:00:00Z", "text": f"said {HOSTILE}"}],
    )
    make_message(ticket, f"later {HOSTILE}")

    listed = coordinator.get(list_address("tickets_ticket")).content.decode()
    told = coordinator.get(page_address("tickets_ticket", ticket)).content.decode()

    assert HOSTILE not in listed + told
    assert ESCAPED + RIGHT_TO_LEFT in listed
    for word in ("summary", "tried", "key", "value", "said", "later"):
        assert f"{word} {ESCAPED}" in told


def test_the_timeline_names_the_skills_that_give_way(coordinator):
    needs = [{"code": "cards", "level": 2}, {"code": "loans", "gives_way": True}]

    told = coordinator.get(
        page_address("tickets_ticket", make_ticket(skills=needs))
    ).content.decode()

    story = " ".join(told[told.index("Its story") :].split())
    assert "cards ≥ 2, loans ≥ 1" in story
    assert "kills that give way" in story


def test_the_timeline_is_in_order(coordinator):
    make_endpoint()
    ticket = make_ticket(summary="Her card is lost.")
    make_message(ticket, "Anybody?")
    run_action(coordinator, "tickets_ticket", "hand_back", ticket)

    told = coordinator.get(page_address("tickets_ticket", ticket)).content.decode()

    parts = ["Handed over by the bot", "Queued", "Anybody?", "Handed back", "ticket.handed_back"]
    places = [told[told.index("Its story") :].index(part) for part in parts]
    assert places == sorted(places)


def test_the_list_runs_as_many_queries_for_thirty_tickets_as_for_three(
    coordinator, django_assert_max_num_queries
):
    for _ in range(3):
        make_ticket()
    coordinator.get(list_address("tickets_ticket"))
    with django_assert_max_num_queries(100) as few:
        coordinator.get(list_address("tickets_ticket"))
    for _ in range(27):
        make_ticket()

    with django_assert_max_num_queries(len(few)):
        coordinator.get(list_address("tickets_ticket"))


def test_tickets_can_be_found_by_customer_conversation_and_number(coordinator):
    ticket = make_ticket(customer={"ref": "c", "name": "Zora"}, conversation_ref="talk-77")
    make_ticket(customer={"ref": "d", "name": "Mia K."})

    for words in ("zora", "talk-77", str(ticket.pk)):
        shown = coordinator.get(list_address("tickets_ticket"), {"q": words}).content.decode()
        assert "Zora" in shown
        assert "Mia K." not in shown


def test_a_ticket_is_handed_back_to_the_bot(coordinator):
    ticket = make_ticket()

    run_action(coordinator, "tickets_ticket", "hand_back", ticket)

    handed_back = Ticket.objects.get()
    assert (handed_back.status, handed_back.disposition) == ("handed_back", "supervisor")


def test_a_customer_is_told_that_nobody_is_available(coordinator):
    ticket = make_ticket()

    coordinator.post(
        page_address("tickets_ticket", ticket, action="tell_unavailable_here"), SUBMITTED
    )

    assert Ticket.objects.get().status == Ticket.Status.UNAVAILABLE


def test_a_refused_action_shows_its_reason(coordinator):
    ticket = make_ticket()
    run_action(coordinator, "tickets_ticket", "hand_back", ticket)

    answer = run_action(coordinator, "tickets_ticket", "tell_unavailable", ticket)

    assert read_messages(answer) == [
        f"{ticket}: This ticket is closed. Escalate again to open a new one."
    ]


def test_a_ticket_is_never_written_by_hand(coordinator):
    ticket = make_ticket()

    answers = [
        coordinator.post(page_address("tickets_ticket", ticket), {"status": "resolved"}),
        coordinator.get(page_address("tickets_ticket", ticket, action="delete")),
        coordinator.get(reverse("admin:tickets_ticket_add")),
    ]

    assert [answer.status_code for answer in answers] == [403, 403, 403]


def test_a_viewer_sees_tickets_and_cannot_act_on_them(viewer):
    ticket = make_ticket()

    seen = viewer.get(page_address("tickets_ticket", ticket))
    run_action(viewer, "tickets_ticket", "hand_back", ticket)
    refused = viewer.post(
        page_address("tickets_ticket", ticket, action="hand_back_here"), SUBMITTED
    )

    assert seen.status_code == 200
    assert refused.status_code == 403
    assert Ticket.objects.get().status == Ticket.Status.QUEUED


def test_the_page_of_an_unknown_ticket_redirects(coordinator):
    address = reverse("admin:tickets_ticket_change", args=["nonsense"])

    assert coordinator.get(address).status_code == 302


# Clients and skills


def test_a_new_client_keeps_its_code(coordinator):
    form = {
        "name": "Velo", "slug": "velo", "answer_within": "00:00:20", "patience": "00:03:00",
        "wrap_up": "00:02:00", "time_zone": "Europe/Paris",
    }  # fmt: skip
    submit_new(coordinator, "tickets_client", **form)
    client = Client.objects.get()

    coordinator.post(
        page_address("tickets_client", client), {**form, "name": "Vélo", "slug": "other"}
    )

    client.refresh_from_db()
    assert (client.name, client.slug) == ("Vélo", "velo")
    assert client.answer_within == timedelta(seconds=20)


def test_a_skill_keeps_its_code(coordinator):
    skill = make_skill("cards")

    coordinator.post(page_address("tickets_skill", skill), {"name": "Bank cards", "code": "other"})

    assert list(Skill.objects.values_list("code", "name")) == [("cards", "Bank cards")]
