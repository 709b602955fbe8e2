"""The outbox: webhooks are signed, in order, at least once, until the schedule ends."""

import os
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest
from django.db.models import F
from standardwebhooks import Webhook, WebhookVerificationError

from tests import factories
from tests.receiver import Receiver
from tests.refusals import refused_by
from tickets import clock, lifecycle
from tickets.events import outbox
from tickets.models import Ticket, WebhookAttempt, WebhookDelivery, WebhookEndpoint

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


@pytest.fixture
def endpoint(receiver: Receiver) -> WebhookEndpoint:
    return factories.make_endpoint(url=receiver.url)


def news(ticket: Ticket | None = None, *, many: int = 1) -> list[WebhookDelivery]:
    """Queue this many webhooks of one ticket, the oldest first."""
    ticket = ticket or factories.make_ticket()
    for number in range(many):
        ticket.version += 1
        outbox.queue(ticket, f"ticket.{number}", {}, at=clock.now())
    return list(WebhookDelivery.objects.filter(ticket=ticket).order_by("version"))


def due_now() -> None:
    WebhookDelivery.objects.update(next_attempt_at=clock.now() - DAY)


def test_a_webhook_is_signed_with_the_secret_of_its_endpoint(
    receiver: Receiver, endpoint: WebhookEndpoint
) -> None:
    factories.make_assignment()

    outbox.deliver_due()

    [request] = receiver.received
    read = Webhook(endpoint.secret).verify(request.body, request.headers)
    assert read == WebhookDelivery.objects.get().payload
    assert request.headers["content-type"] == "application/json"


def test_a_changed_body_or_another_secret_fails_verification(
    receiver: Receiver, endpoint: WebhookEndpoint
) -> None:
    news()
    outbox.deliver_due()
    [request] = receiver.received

    with pytest.raises(WebhookVerificationError):
        Webhook(endpoint.secret).verify(request.body + b" ", request.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(factories.make_endpoint().secret).verify(request.body, request.headers)


def test_every_endpoint_has_a_secret_of_its_own() -> None:
    one, other = factories.make_endpoint(), factories.make_endpoint()

    assert one.secret != other.secret
    assert one.secret.startswith("whsec_")


def test_text_of_any_script_arrives_unchanged(
    receiver: Receiver, endpoint: WebhookEndpoint
) -> None:
    ticket = factories.make_ticket()
    factories.make_message(ticket, "Grüße 👋🏽 <b>", origin="agent")

    outbox.deliver_due()

    assert receiver.received[0].news["data"]["message"]["text"] == "Grüße 👋🏽 <b>"


@pytest.mark.usefixtures("endpoint")
def test_an_attempt_is_logged(receiver: Receiver) -> None:
    [delivery] = news()

    assert outbox.deliver_due() == 1

    delivery.refresh_from_db()
    assert delivery.delivered_at
    assert list(delivery.log.values_list("status", "error")) == [(204, "")]


@pytest.mark.usefixtures("endpoint")
def test_a_delivered_webhook_is_not_sent_again(receiver: Receiver) -> None:
    news()
    outbox.deliver_due()

    due_now()
    outbox.deliver_due()

    assert len(receiver.received) == 1


@pytest.mark.usefixtures("endpoint")
def test_the_webhooks_of_a_ticket_arrive_in_order(receiver: Receiver) -> None:
    news(many=4)

    outbox.deliver_due()

    assert receiver.kinds == ["ticket.0", "ticket.1", "ticket.2", "ticket.3"]


@pytest.mark.usefixtures("endpoint")
def test_a_failed_webhook_holds_up_the_later_ones_of_its_ticket(receiver: Receiver) -> None:
    receiver.answers = [500]
    news(many=2)

    outbox.deliver_due()

    assert receiver.kinds == ["ticket.0"]


@pytest.mark.usefixtures("endpoint")
def test_a_failed_webhook_does_not_hold_up_another_ticket(receiver: Receiver) -> None:
    receiver.answers = [500, 204]
    stuck, other = factories.make_ticket(), factories.make_ticket()
    news(stuck)
    news(other)

    outbox.deliver_due()

    assert {one.news["data"]["ticket"] for one in receiver.received} == {
        str(stuck.pk),
        str(other.pk),
    }


@pytest.mark.usefixtures("endpoint")
@pytest.mark.parametrize("status", [301, 302, 307, 400, 404, 429, 500, 503])
def test_a_status_other_than_2xx_is_a_failure(receiver: Receiver, status: int) -> None:
    receiver.answers = [status]
    [delivery] = news()

    outbox.deliver_due()

    delivery.refresh_from_db()
    assert (delivery.delivered_at, delivery.dead_at) == (None, None)
    assert WebhookAttempt.objects.get().status == status
    assert len(receiver.received) == 1


@pytest.mark.usefixtures("endpoint")
def test_a_failed_delivery_is_sent_again_under_the_same_id(receiver: Receiver) -> None:
    receiver.answers = [500, 204]
    [delivery] = news()
    outbox.deliver_due()

    due_now()
    outbox.deliver_due()

    ids = {request.headers["webhook-id"] for request in receiver.received}
    assert (len(receiver.received), ids) == (2, {outbox.webhook_id(delivery.pk)})


@pytest.mark.usefixtures("endpoint")
def test_retries_follow_the_schedule_of_the_standard(receiver: Receiver) -> None:
    receiver.answers = [500]
    [delivery] = news()
    waits = []

    while not delivery.dead_at:
        due_now()
        before = clock.now()
        outbox.deliver_due()
        delivery.refresh_from_db()
        waits.append(delivery.next_attempt_at - before)

    assert len(waits) == len(outbox.SCHEDULE) + 1
    for wait, planned in zip(waits, outbox.SCHEDULE, strict=False):
        assert planned <= wait <= planned * 1.1 + timedelta(seconds=2)


@pytest.mark.usefixtures("endpoint")
def test_a_given_up_webhook_is_not_sent_and_lets_later_ones_pass(receiver: Receiver) -> None:
    receiver.answers = [500, 204]
    first, second = news(many=2)
    WebhookDelivery.objects.filter(pk=first.pk).update(attempts=len(outbox.SCHEDULE))

    outbox.deliver_due()

    first.refresh_from_db()
    second.refresh_from_db()
    assert first.dead_at
    assert second.delivered_at
    assert receiver.kinds == ["ticket.0", "ticket.1"]


def test_an_endpoint_that_answers_410_is_disabled(
    receiver: Receiver, endpoint: WebhookEndpoint
) -> None:
    receiver.answers = [410]
    [delivery] = news()

    outbox.deliver_due()

    delivery.refresh_from_db()
    endpoint.refresh_from_db()
    assert delivery.dead_at
    assert endpoint.disabled_at


def test_a_disabled_endpoint_is_sent_nothing(receiver: Receiver, endpoint: WebhookEndpoint) -> None:
    news(many=2)
    WebhookEndpoint.objects.update(disabled_at=clock.now())

    assert outbox.deliver_due() == 0
    assert receiver.received == []


@pytest.mark.usefixtures("endpoint")
def test_an_endpoint_that_answers_again_gets_missed_webhooks_at_once(receiver: Receiver) -> None:
    receiver.answers = [500, 204]
    [missed] = news()
    outbox.deliver_due()
    WebhookDelivery.objects.filter(pk=missed.pk).update(next_attempt_at=clock.now() + DAY)
    [fresh] = news()

    outbox.deliver_due()

    missed.refresh_from_db()
    fresh.refresh_from_db()
    assert fresh.delivered_at
    assert missed.delivered_at


@pytest.mark.usefixtures("endpoint")
def test_a_claimed_delivery_is_not_retried_early() -> None:
    [in_hand], [fresh] = news(), news()
    [claimed] = [one for one in outbox.claim_due(overdue_by=-DAY) if one.pk == in_hand.pk]
    WebhookDelivery.objects.filter(pk=fresh.pk).update(next_attempt_at=clock.now())

    outbox.deliver_due()

    in_hand.refresh_from_db()
    assert in_hand.next_attempt_at > clock.now() + outbox.CLAIM / 2
    assert claimed.pk == in_hand.pk


def test_a_refused_connection_is_a_failure_with_a_reason(settings: Any) -> None:
    settings.WEBHOOK_ALLOW_PRIVATE = True
    factories.make_endpoint(url="http://127.0.0.1:9/")
    news()

    outbox.deliver_due()

    assert WebhookAttempt.objects.values_list("status", "error").get() == (
        None,
        "NewConnectionError",
    )


def test_a_private_address_is_a_failure_with_a_reason() -> None:
    factories.make_endpoint(url="https://127.0.0.1/")
    [delivery] = news()

    outbox.deliver_due()

    delivery.refresh_from_db()
    assert (delivery.delivered_at, delivery.attempts) == (None, 1)
    assert WebhookAttempt.objects.get().error == "A webhook must go to a public https address."


@pytest.mark.usefixtures("endpoint")
def test_a_claimed_delivery_is_skipped_by_another_sender() -> None:
    news()

    first = outbox.claim_due(overdue_by=timedelta())
    second = outbox.claim_due(overdue_by=timedelta())

    assert (len(first), second) == (1, [])


@pytest.mark.usefixtures("endpoint")
def test_an_expired_claim_is_sent_by_another_sender(receiver: Receiver) -> None:
    news()
    outbox.claim_due(overdue_by=timedelta())
    WebhookDelivery.objects.update(next_attempt_at=clock.now())

    assert outbox.deliver_due() == 1
    assert len(receiver.received) == 1


@pytest.mark.usefixtures("endpoint")
def test_the_claim_of_a_dead_sender_is_released_at_the_next_tick(
    receiver: Receiver,
) -> None:
    news()
    outbox.claim_due(overdue_by=timedelta())
    WebhookDelivery.objects.update(sender=line_that_ended())

    outbox.release_dead_claims()

    delivery = WebhookDelivery.objects.get()
    assert (delivery.sender, delivery.next_attempt_at <= clock.now()) == (None, True)
    WebhookDelivery.objects.update(next_attempt_at=clock.now() - outbox.LATE)
    assert outbox.send_missed() == 1
    assert len(receiver.received) == 1


@pytest.mark.usefixtures("endpoint")
def test_the_claim_of_a_live_sender_is_kept() -> None:
    news()
    outbox.claim_due(overdue_by=timedelta())

    assert outbox.release_dead_claims() == 0
    assert WebhookDelivery.objects.get().next_attempt_at > clock.now() + outbox.CLAIM / 2


@pytest.mark.usefixtures("endpoint")
def test_an_old_claim_is_released_though_its_pid_is_in_use_again() -> None:
    news()
    outbox.claim_due(overdue_by=timedelta())
    WebhookDelivery.objects.update(next_attempt_at=F("next_attempt_at") - DAY)

    assert outbox.release_dead_claims() == 1


@pytest.mark.parametrize("status", [204, 500, 410])
@pytest.mark.usefixtures("endpoint")
def test_a_sent_delivery_is_no_longer_claimed(receiver: Receiver, status: int) -> None:
    receiver.answers = [status]
    news()

    outbox.deliver_due()

    assert WebhookDelivery.objects.get().sender is None


def line_that_ended() -> int:
    with psycopg.connect(os.environ["DATABASE_URL"]) as ended:
        number = ended.info.backend_pid
    return number


@pytest.mark.usefixtures("endpoint")
def test_the_scheduler_leaves_celery_a_moment() -> None:
    news()

    assert outbox.deliver_due(overdue_by=outbox.LATE) == 0
    WebhookDelivery.objects.update(next_attempt_at=clock.now() - outbox.LATE)
    assert outbox.deliver_due(overdue_by=outbox.LATE) == 1


@pytest.mark.usefixtures("endpoint")
def test_a_redelivery_is_sent(receiver: Receiver) -> None:
    [delivery] = news()
    outbox.deliver_due()

    outbox.redeliver(delivery, at=clock.now())
    outbox.deliver_due()

    delivery.refresh_from_db()
    assert len(receiver.received) == 2
    assert delivery.delivered_at


@pytest.mark.usefixtures("endpoint")
def test_every_endpoint_of_a_client_gets_the_webhook(receiver: Receiver) -> None:
    factories.make_endpoint(url=receiver.url + "/second")
    news()

    outbox.deliver_due()

    assert sorted(request.path for request in receiver.received) == ["/hook", "/hook/second"]


@pytest.mark.usefixtures("endpoint")
def test_the_database_refuses_two_deliveries_of_one_version(noon: datetime) -> None:
    ticket = factories.make_ticket()
    lifecycle.begin(ticket, agent_name="Amina", at=noon)
    told = WebhookDelivery.objects.get()

    with refused_by("one_delivery_per_version"):
        WebhookDelivery.objects.create(
            endpoint=told.endpoint,
            ticket=ticket,
            type="x",
            version=1,
            payload={},
            created_at=noon,
            next_attempt_at=noon,
        )
