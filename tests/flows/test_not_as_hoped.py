"""Unhappy paths: offers declined or expired, customers who leave, agents who go, no agent."""

from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F

from agents.models import JournalEntry, Presence
from agents.models.presence import SILENCE
from dispatch.models import Assignment, Offer
from tests import factories
from tickets import clock
from tickets.events import outbox
from tickets.models import Message, Ticket

pytestmark = pytest.mark.django_db


def test_a_declined_offer_goes_to_the_next_agent_and_never_back(world: Any) -> None:
    amina = world.desk("Amina")
    ticket = world.escalate()
    ben = world.desk("Ben")

    amina.decline()

    assert ben.offer.ticket == ticket
    ben.decline()
    assert not Offer.objects.pending().exists()


def test_an_expired_offer_goes_to_the_next_agent(world: Any) -> None:
    amina = world.desk("Amina")
    ticket = world.escalate()
    missed = amina.offer
    ben = world.desk("Ben")
    Offer.objects.update(sent_at=F("sent_at") - timedelta(hours=1), expires_at=clock.now())

    world.tick()

    assert ben.offer.ticket == ticket
    assert amina.post(f"offers/{missed.pk}/accept") == 410
    assert factories.read_presence(amina.agent).status == "available"


def test_a_ticket_abandoned_while_queued_is_not_offered(world: Any) -> None:
    ticket = world.escalate()
    world.leave(ticket)

    world.desk()

    assert not Offer.objects.exists()


def test_a_ticket_abandoned_while_offered_withdraws_its_offer(world: Any) -> None:
    amina = world.desk()
    ticket = world.escalate()
    offer = amina.offer

    world.leave(ticket)

    assert Offer.objects.get().status == "withdrawn"
    assert amina.post(f"offers/{offer.pk}/accept") == 409
    assert factories.read_presence(amina.agent).load == 0


def test_a_ticket_abandoned_in_conversation_leads_to_a_paid_wrap_up(world: Any) -> None:
    amina = world.desk()
    ticket = world.escalate()
    amina.accept()

    world.leave(ticket)
    assert Assignment.objects.get().ending == "abandoned"
    amina.act("finish")

    assert JournalEntry.objects.count() == 1
    assert world.state(ticket)["status"] == "abandoned"


def test_a_customer_who_leaves_during_wrap_up_changes_nothing(world: Any) -> None:
    amina = world.desk()
    ticket = world.escalate()
    amina.accept()
    amina.act("resolve", disposition="solved")

    assert world.leave(ticket) == 200

    assert world.state(ticket)["status"] == "resolved"


def test_the_conversation_of_a_silent_agent_goes_to_another_complete(
    world: Any,
) -> None:
    amina = world.desk("Amina")
    ticket = world.escalate(summary="Card swallowed.")
    lost = amina.accept()
    amina.act("messages", text="One moment.", client_message_id="0" * 32)
    world.say(ticket, "Hello?", "1")
    Presence.objects.update(seen_at=clock.now() - SILENCE)
    ben = world.desk("Ben")

    world.tick()
    ben.accept()

    assert ben.talk.ticket.handoff.summary == "Card swallowed."
    said = Message.objects.order_by("seq").values_list("text", flat=True)
    assert list(said) == ["One moment.", "Hello?"]
    assert world.receiver.kinds == [
        "ticket.answered",
        "message.created",
        "ticket.requeued",
        "ticket.answered",
    ]
    assert Assignment.objects.get(pk=lost.pk).ending == "lost"
    late = {"text": "I am back!", "client_message_id": "1" * 32}
    assert amina.post(f"conversations/{lost.pk}/messages", **late) == 409
    assert Message.objects.count() == 2


def test_the_conversation_of_an_agent_who_leaves_is_offered_to_another_at_once(
    world: Any,
) -> None:
    amina = world.desk("Amina")
    ticket = world.escalate()
    amina.accept()
    ben = world.desk("Ben")

    amina.post("presence", status="offline", confirmed="yes")

    assert ben.offer.ticket == ticket


def test_a_ticket_out_of_patience_becomes_unavailable_and_the_bot_goes_on(world: Any) -> None:
    ticket = world.escalate()
    Ticket.objects.update(give_up_at=clock.now())

    world.tick()

    assert world.state(ticket)["status"] == "unavailable"
    assert world.receiver.kinds == ["ticket.unavailable"]
    assert world.receiver.received[0].news["data"]["reason"] == "no_agent"
    world.desk()
    assert not Offer.objects.exists()


def test_a_bot_that_was_down_gets_all_webhooks_in_order(world: Any) -> None:
    world.receiver.answers = [503, 204]
    amina = world.desk()
    world.escalate()
    amina.accept()
    amina.act("resolve", disposition="solved")
    assert world.receiver.kinds == ["ticket.answered"]

    world.endpoint.deliveries.update(next_attempt_at=clock.now())
    outbox.deliver_due()

    assert world.receiver.kinds == ["ticket.answered", "ticket.answered", "ticket.resolved"]
