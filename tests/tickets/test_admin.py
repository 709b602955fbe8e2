"""The coordinators' pages of demand: tickets and their story, clients, keys and webhooks."""

import re
from datetime import timedelta
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission
from django.test import Client as Browser
from django.urls import reverse

from tests.factories import (
    make_client,
    make_coordinator,
    make_endpoint,
    make_key,
    make_message,
    make_skill,
    make_ticket,
    make_user,
)
from tickets import clock
from tickets.models import (
    ApiKey,
    Client,
    Skill,
    Ticket,
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
)

pytestmark = pytest.mark.django_db
ASKED = {"_form_submitted": "on"}
HOSTILE = "<script>alert(1)</script>"
TURNED = "\u202eאבג"
ESCAPED = "&lt;script&gt;alert(1)&lt;/script&gt;"


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
    return reverse(f"admin:tickets_{model}_changelist")


def page(model, row):
    return reverse(f"admin:tickets_{model}_change", args=[row.pk])


def add(browser, model, **form):
    return browser.post(reverse(f"admin:tickets_{model}_add"), form, follow=True)


def run(browser, model, action, *rows):
    form = {"action": action, "_selected_action": [str(row.pk) for row in rows]}
    return browser.post(lists(model), form, follow=True)


def said(answer):
    return [str(message) for message in answer.context["messages"]]


def answer_to(key):
    """What a bot with this key gets for a ticket that is not there: 401 when the key is refused."""
    bot = Browser(headers={"authorization": f"Bearer {key}"})
    return bot.get(f"/api/v1/tickets/{uuid4()}").status_code


# Tickets


def test_what_customers_wrote_is_shown_as_the_text_it_is(coordinator):
    ticket = make_ticket(
        customer={"ref": "c", "name": HOSTILE + TURNED},
        summary=f"summary {HOSTILE}",
        tried=[f"tried {HOSTILE}"],
        context={f"key {HOSTILE}": f"value {HOSTILE}"},
        transcript=[{"role": "customer", "at": "2026-11-22T10:00:00Z", "text": f"said {HOSTILE}"}],
    )
    make_message(ticket, f"later {HOSTILE}")

    listed = coordinator.get(lists("ticket")).content.decode()
    told = coordinator.get(page("ticket", ticket)).content.decode()

    assert HOSTILE not in listed + told
    assert ESCAPED + TURNED in listed
    for word in ("summary", "tried", "key", "value", "said", "later"):
        assert f"{word} {ESCAPED}" in told


def test_the_story_is_told_in_order(coordinator):
    make_endpoint()
    ticket = make_ticket(summary="Her card is lost.")
    make_message(ticket, "Anybody?")
    run(coordinator, "ticket", "hand_back", ticket)

    told = coordinator.get(page("ticket", ticket)).content.decode()

    parts = ["Handed over by the bot", "Queued", "Anybody?", "Handed back", "ticket.handed_back"]
    places = [told[told.index("Its story") :].index(part) for part in parts]
    assert places == sorted(places)


def test_the_list_asks_as_many_questions_for_thirty_tickets_as_for_three(
    coordinator, django_assert_max_num_queries
):
    for _ in range(3):
        make_ticket()
    coordinator.get(lists("ticket"))
    with django_assert_max_num_queries(100) as few:
        coordinator.get(lists("ticket"))
    for _ in range(27):
        make_ticket()

    with django_assert_max_num_queries(len(few)):
        coordinator.get(lists("ticket"))


def test_tickets_can_be_found_by_customer_conversation_and_number(coordinator):
    ticket = make_ticket(customer={"ref": "c", "name": "Zora"}, conversation_ref="talk-77")
    make_ticket(customer={"ref": "d", "name": "Mia"})

    for words in ("zora", "talk-77", str(ticket.pk)):
        shown = coordinator.get(lists("ticket"), {"q": words}).content.decode()
        assert "Zora" in shown
        assert "Mia" not in shown


def test_a_ticket_is_handed_back_to_the_bot(coordinator):
    ticket = make_ticket()

    run(coordinator, "ticket", "hand_back", ticket)

    handed_back = Ticket.objects.get()
    assert (handed_back.status, handed_back.disposition) == ("handed_back", "supervisor")


def test_a_customer_is_told_that_nobody_is_available(coordinator):
    ticket = make_ticket()

    coordinator.post(page("ticket", ticket).replace("change/", "tell_unavailable_here/"), ASKED)

    assert Ticket.objects.get().status == Ticket.Status.UNAVAILABLE


def test_what_cannot_be_done_with_a_ticket_is_said_in_a_sentence(coordinator):
    ticket = make_ticket()
    run(coordinator, "ticket", "hand_back", ticket)

    answer = run(coordinator, "ticket", "tell_unavailable", ticket)

    assert said(answer) == [f"{ticket}: This ticket is closed. Escalate again to open a new one."]


def test_a_ticket_is_never_written_by_hand(coordinator):
    ticket = make_ticket()

    answers = [
        coordinator.post(page("ticket", ticket), {"status": "resolved"}),
        coordinator.get(page("ticket", ticket).replace("change/", "delete/")),
        coordinator.get(reverse("admin:tickets_ticket_add")),
    ]

    assert [answer.status_code for answer in answers] == [403, 403, 403]


def test_a_viewer_sees_tickets_and_cannot_act_on_them(viewer):
    ticket = make_ticket()

    seen = viewer.get(page("ticket", ticket))
    run(viewer, "ticket", "hand_back", ticket)
    refused = viewer.post(page("ticket", ticket).replace("change/", "hand_back_here/"), ASKED)

    assert seen.status_code == 200
    assert refused.status_code == 403
    assert Ticket.objects.get().status == Ticket.Status.QUEUED


def test_an_address_of_no_ticket_leads_back(coordinator):
    address = reverse("admin:tickets_ticket_change", args=["nonsense"])

    assert coordinator.get(address).status_code == 302


# Clients and skills


def test_a_client_is_made_and_keeps_its_code(coordinator):
    form = {
        "name": "Velo", "slug": "velo", "answer_within": "00:00:20", "patience": "00:03:00",
        "wrap_up": "00:02:00",
    }  # fmt: skip
    add(coordinator, "client", **form)
    client = Client.objects.get()

    coordinator.post(page("client", client), {**form, "name": "Vélo", "slug": "other"})

    client.refresh_from_db()
    assert (client.name, client.slug) == ("Vélo", "velo")
    assert client.answer_within == timedelta(seconds=20)


def test_a_skill_keeps_its_code(coordinator):
    skill = make_skill("cards")

    coordinator.post(page("skill", skill), {"name": "Bank cards", "code": "other"})

    assert list(Skill.objects.values_list("code", "name")) == [("cards", "Bank cards")]


# API keys


def test_a_new_key_is_shown_once_and_works(coordinator):
    client = make_client()

    answer = add(coordinator, "apikey", client=client.pk, name="bot")
    shown = re.search(r"rk_[0-9a-f]{8}_[\w-]{43}", " ".join(said(answer)))
    again = coordinator.get(page("apikey", ApiKey.objects.get())).content.decode()

    assert shown
    assert answer_to(shown[0]) == 404
    assert shown[0] not in again
    assert ApiKey.objects.get().hash not in again


def test_a_revoked_key_is_refused(coordinator):
    key = make_key(make_client())

    run(coordinator, "apikey", "revoke", ApiKey.objects.get())

    assert answer_to(key) == 401


def test_a_key_is_never_changed_or_deleted(coordinator):
    make_key(make_client())
    here = page("apikey", ApiKey.objects.get())

    assert coordinator.post(here, {"name": "other"}).status_code == 403
    assert coordinator.get(here.replace("change/", "delete/")).status_code == 403


def test_a_viewer_makes_and_revokes_no_key(viewer):
    client = make_client()
    make_key(client)

    added = viewer.post(reverse("admin:tickets_apikey_add"), {"client": client.pk, "name": "mine"})
    run(viewer, "apikey", "revoke", ApiKey.objects.get())

    assert added.status_code == 403
    assert ApiKey.objects.get().revoked_at is None


# Webhooks


def test_the_signing_secret_is_shown_once(coordinator):
    client = make_client()

    answer = add(coordinator, "webhookendpoint", client=client.pk, url="https://8.8.8.8/hook")
    endpoint = WebhookEndpoint.objects.get()
    again = coordinator.get(page("webhookendpoint", endpoint)).content.decode()

    assert endpoint.secret in " ".join(said(answer))
    assert endpoint.secret not in again


@pytest.mark.parametrize(
    "url", ["http://8.8.8.8/hook", "https://127.0.0.1/hook", "https://me:word@8.8.8.8/hook"]
)
def test_an_address_that_is_not_safe_is_refused_at_its_field(coordinator, url):
    answer = add(coordinator, "webhookendpoint", client=make_client().pk, url=url)

    assert answer.context["adminform"].form.errors["url"]
    assert not WebhookEndpoint.objects.exists()


def test_a_disabled_endpoint_can_be_enabled_again(coordinator):
    endpoint = make_endpoint()

    run(coordinator, "webhookendpoint", "disable", endpoint)
    disabled = WebhookEndpoint.objects.get().disabled_at
    run(coordinator, "webhookendpoint", "enable", endpoint)

    assert disabled
    assert WebhookEndpoint.objects.get().disabled_at is None


def make_delivery():
    endpoint, at = make_endpoint(), clock.now()
    delivery = WebhookDelivery.objects.create(
        endpoint=endpoint, ticket=make_ticket(), type="ticket.answered", version=1,
        payload={"note": HOSTILE}, created_at=at, next_attempt_at=at, dead_at=at, attempts=10,
    )  # fmt: skip
    WebhookAttempt.objects.create(delivery=delivery, at=at, error=f"Refused {HOSTILE}", took_ms=9)
    return delivery


def test_a_delivery_shows_what_each_attempt_met(coordinator):
    delivery = make_delivery()

    shown = coordinator.get(page("webhookdelivery", delivery)).content.decode()

    assert f"Refused {ESCAPED}" in shown
    assert HOSTILE not in shown
    assert f"msg_{delivery.pk.hex}" in shown


def test_a_delivery_given_up_is_sent_again(coordinator, viewer):
    delivery = make_delivery()

    run(viewer, "webhookdelivery", "redeliver", delivery)
    untouched = WebhookDelivery.objects.get().dead_at
    run(coordinator, "webhookdelivery", "redeliver", delivery)

    assert untouched
    assert WebhookDelivery.objects.unsent().get().attempts == 0


@pytest.mark.parametrize("state", ["delivered", "due", "given_up"])
def test_deliveries_can_be_narrowed_by_state(coordinator, state):
    make_delivery()

    shown = coordinator.get(lists("webhookdelivery"), {"state": state}).content.decode()

    assert ("ticket.answered</" in shown) == (state == "given_up")
