"""Not as hoped: declined, run out, left, lost, nobody there."""

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


def test_a_declined_offer_goes_to_the_next_at_once_and_never_back(world: Any) -> None:
    amina = world.desk("Amina")
    ticket = world.escalate()
    ben = world.desk("Ben")

    amina.decline()

    assert ben.offer.ticket == ticket
    ben.decline()
    assert not Offer.objects.pending().exists()


def test_an_offer_that_ran_out_goes_to_the_next(world: Any) -> None:
    amina = world.desk("Amina")
    ticket = world.escalate()
    missed = amina.offer
    ben = world.desk("Ben")
    Offer.objects.update(sent_at=F("sent_at") - timedelta(hours=1), expires_at=clock.now())

    world.tick()

    assert ben.offer.ticket == ticket
    assert amina.post(f"offers/{missed.pk}/accept") == 410
    assert factories.read_presence(amina.agent).status == "available"


def test_a_customer_who_leaves_while_waiting_is_offered_to_nobody(world: Any) -> None:
    ticket = world.escalate()
    world.leave(ticket)

    world.desk()

    assert not Offer.objects.exists()


def test_a_customer_who_leaves_while_offered_takes_the_offer_off_the_desk(world: Any) -> None:
    amina = world.desk()
    ticket = world.escalate()
    offer = amina.offer

    world.leave(ticket)

    assert Offer.objects.get().status == "withdrawn"
    assert amina.post(f"offers/{offer.pk}/accept") == 409
    assert factories.read_presence(amina.agent).load == 0


def test_a_customer_who_leaves_while_talking_leaves_a_paid_wrap_up(world: Any) -> None:
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


def test_when_an_agent_falls_silent_another_gets_the_conversation_with_everything(
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


def test_when_an_agent_leaves_their_conversation_is_offered_to_another_at_once(
    world: Any,
) -> None:
    amina = world.desk("Amina")
    ticket = world.escalate()
    amina.accept()
    ben = world.desk("Ben")

    amina.post("presence", status="offline", confirmed="yes")

    assert ben.offer.ticket == ticket


def test_when_nobody_comes_in_time_the_customer_is_told_and_the_bot_goes_on(world: Any) -> None:
    ticket = world.escalate()
    Ticket.objects.update(give_up_at=clock.now())

    world.tick()

    assert world.state(ticket)["status"] == "unavailable"
    assert world.receiver.kinds == ["ticket.unavailable"]
    assert world.receiver.received[0].news["data"]["reason"] == "no_agent"
    world.desk()
    assert not Offer.objects.exists()


def test_a_bot_that_was_down_hears_everything_in_order_when_it_is_back(world: Any) -> None:
    world.receiver.answers = [503, 204]
    amina = world.desk()
    world.escalate()
    amina.accept()
    amina.act("resolve", disposition="solved")
    assert world.receiver.kinds == ["ticket.answered"]

    world.endpoint.deliveries.update(next_attempt_at=clock.now())
    outbox.deliver_due()

    assert world.receiver.kinds == ["ticket.answered", "ticket.answered", "ticket.resolved"]
