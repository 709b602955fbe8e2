"""The admin pages of API keys and webhooks."""

import re
from uuid import uuid4

import pytest
from django.test import Client as Browser
from django.urls import reverse

from tests.factories import (
    make_client,
    make_endpoint,
    make_key,
    make_ticket,
)
from tests.staff import (
    ESCAPED,
    HOSTILE,
    list_address,
    log_in_coordinator,
    log_in_viewer,
    page_address,
    read_messages,
    run_action,
    submit_new,
)
from tickets import clock
from tickets.models import (
    ApiKey,
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
)

pytestmark = pytest.mark.django_db


def answer_to(key):
    """The status a bot with this key gets for an unknown ticket: 401 if the key is refused."""
    bot = Browser(headers={"authorization": f"Bearer {key}"})
    return bot.get(f"/api/v1/tickets/{uuid4()}").status_code


@pytest.fixture
def coordinator():
    return log_in_coordinator()


@pytest.fixture
def viewer():
    return log_in_viewer()


# API keys


def test_a_new_key_is_shown_once_and_works(coordinator):
    client = make_client()

    answer = submit_new(coordinator, "tickets_apikey", client=client.pk, name="bot")
    shown = re.search(r"rk_[0-9a-f]{8}_[\w-]{43}", " ".join(read_messages(answer)))
    again = coordinator.get(page_address("tickets_apikey", ApiKey.objects.get())).content.decode()

    assert shown
    assert answer_to(shown[0]) == 404
    assert shown[0] not in again
    assert ApiKey.objects.get().hash not in again


def test_a_revoked_key_is_refused(coordinator):
    key = make_key(make_client())

    run_action(coordinator, "tickets_apikey", "revoke", ApiKey.objects.get())

    assert answer_to(key) == 401


def test_a_key_is_never_changed_or_deleted(coordinator):
    make_key(make_client())
    here = page_address("tickets_apikey", ApiKey.objects.get())

    assert coordinator.post(here, {"name": "other"}).status_code == 403
    assert coordinator.get(here.replace("change/", "delete/")).status_code == 403


def test_a_viewer_cannot_create_or_revoke_a_key(viewer):
    client = make_client()
    make_key(client)

    added = viewer.post(reverse("admin:tickets_apikey_add"), {"client": client.pk, "name": "mine"})
    run_action(viewer, "tickets_apikey", "revoke", ApiKey.objects.get())

    assert added.status_code == 403
    assert ApiKey.objects.get().revoked_at is None


# Webhooks


def test_the_signing_secret_is_shown_once(coordinator):
    client = make_client()

    answer = submit_new(
        coordinator, "tickets_webhookendpoint", client=client.pk, url="https://8.8.8.8/hook"
    )
    endpoint = WebhookEndpoint.objects.get()
    again = coordinator.get(page_address("tickets_webhookendpoint", endpoint)).content.decode()

    assert endpoint.secret in " ".join(read_messages(answer))
    assert endpoint.secret not in again


@pytest.mark.parametrize(
    "url", ["http://8.8.8.8/hook", "https://127.0.0.1/hook", "https://me:word@8.8.8.8/hook"]
)
def test_an_unsafe_address_is_refused_at_its_field(coordinator, url):
    answer = submit_new(coordinator, "tickets_webhookendpoint", client=make_client().pk, url=url)

    assert answer.context["adminform"].form.errors["url"]
    assert not WebhookEndpoint.objects.exists()


def test_a_disabled_endpoint_can_be_enabled_again(coordinator):
    endpoint = make_endpoint()

    run_action(coordinator, "tickets_webhookendpoint", "disable", endpoint)
    disabled = WebhookEndpoint.objects.get().disabled_at
    run_action(coordinator, "tickets_webhookendpoint", "enable", endpoint)

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


def test_a_delivery_shows_the_result_of_each_attempt(coordinator):
    delivery = make_delivery()

    shown = coordinator.get(page_address("tickets_webhookdelivery", delivery)).content.decode()

    assert f"Refused {ESCAPED}" in shown
    assert HOSTILE not in shown
    assert f"msg_{delivery.pk.hex}" in shown


def test_redelivering_a_given_up_delivery_makes_it_due(coordinator, viewer):
    delivery = make_delivery()

    run_action(viewer, "tickets_webhookdelivery", "redeliver", delivery)
    untouched = WebhookDelivery.objects.get().dead_at
    run_action(coordinator, "tickets_webhookdelivery", "redeliver", delivery)

    assert untouched
    assert WebhookDelivery.objects.unsent().get().attempts == 0


@pytest.mark.parametrize("state", ["delivered", "due", "given_up"])
def test_deliveries_are_filtered_by_state(coordinator, state):
    make_delivery()

    shown = coordinator.get(
        list_address("tickets_webhookdelivery"), {"state": state}
    ).content.decode()

    assert ("ticket.answered</" in shown) == (state == "given_up")
