"""Accept, then talk: messages go both ways, in order, each once."""

from typing import Any
from uuid import uuid4

import pytest

from dispatch.models import Assignment
from tickets.models import Message

pytestmark = pytest.mark.django_db


def test_the_customer_learns_who_answers(world: Any) -> None:
    amina = world.desk("Amina")
    ticket = world.escalate()

    amina.accept()

    assert world.receiver.kinds == ["ticket.answered"]
    assert world.receiver.received[0].news["data"]["agent"] == {"name": "Amina"}
    assert world.state(ticket)["agent"] == {"name": "Amina"}


def test_messages_of_both_sides_are_in_one_order(world: Any) -> None:
    amina = world.desk()
    ticket = world.escalate()
    amina.accept()

    world.say(ticket, "Hello?", "1")
    amina.act("messages", text="Good day.", client_message_id=uuid4())
    world.say(ticket, "My card!", "2")

    said = world.api.get(f"tickets/{ticket.pk}/messages").json()["messages"]
    assert [(one["seq"], one["from"], one["text"]) for one in said] == [
        (1, "customer", "Hello?"),
        (2, "agent", "Good day."),
        (3, "customer", "My card!"),
    ]
    assert world.receiver.kinds == ["ticket.answered", "message.created"]


def test_a_message_sent_twice_is_stored_once(world: Any) -> None:
    amina = world.desk()
    world.escalate()
    amina.accept()
    number = uuid4()

    for _ in range(2):
        amina.act("messages", text="Good day.", client_message_id=number)

    assert Message.objects.count() == 1
    assert world.receiver.kinds.count("message.created") == 1


def test_messages_sent_before_the_answer_are_shown_to_the_agent(world: Any) -> None:
    ticket = world.escalate()
    world.say(ticket, "Anybody?", "1")
    amina = world.desk()

    amina.accept()

    assert amina.talk.ticket.messages.get().text == "Anybody?"


def test_another_agent_finds_neither_the_offer_nor_the_conversation(world: Any) -> None:
    amina = world.desk("Amina")
    world.escalate()
    ben = world.desk("Ben")
    theirs = amina.offer

    assert ben.post(f"offers/{theirs.pk}/accept") == 404
    held = amina.accept()
    assert ben.post(f"conversations/{held.pk}/resolve", disposition="solved") == 404
    assert ben.http.get(f"/desk/conversations/{held.pk}/").status_code == 404
    assert Assignment.objects.get().ended_at is None
