"""Messages: in order, each stored once, only while the ticket is open."""

from datetime import datetime

import pytest

from tests import factories
from tests.refusals import refused_by
from tickets import conversation, lifecycle
from tickets.errors import MessageChanged, TicketClosed
from tickets.models import Message, Ticket, WebhookDelivery

pytestmark = pytest.mark.django_db

CUSTOMER, AGENT = Message.Origin.CUSTOMER, Message.Origin.AGENT


def say(
    ticket: Ticket, text: str, number: str, at: datetime, origin: Message.Origin = CUSTOMER
) -> tuple[Message, bool]:
    return conversation.add_message(
        ticket, origin=origin, text=text, client_message_id=number, at=at
    )


def test_messages_of_both_sides_are_numbered_without_gaps(noon: datetime) -> None:
    ticket = factories.make_ticket(at=noon)

    for number, origin in enumerate([CUSTOMER, AGENT, CUSTOMER, AGENT]):
        say(ticket, "x", str(number), noon, origin)

    assert [one.seq for one in conversation.list_messages(ticket)] == [1, 2, 3, 4]


def test_a_repeated_message_is_the_same_message(noon: datetime) -> None:
    ticket = factories.make_ticket(at=noon)
    first, new = say(ticket, "Hi", "1", noon)

    again, new_again = say(ticket, "Hi", "1", noon)

    assert (again, new, new_again) == (first, True, False)
    assert Ticket.objects.get().last_seq == 1


def test_a_repeated_message_takes_no_number(noon: datetime) -> None:
    ticket = factories.make_ticket(at=noon)
    for number in ("1", "1", "2"):
        say(ticket, "Hi", number, noon)

    assert [one.seq for one in conversation.list_messages(ticket)] == [1, 2]


def test_another_text_under_the_same_id_is_refused(noon: datetime) -> None:
    ticket = factories.make_ticket(at=noon)
    say(ticket, "Hi", "1", noon)

    with pytest.raises(MessageChanged):
        say(ticket, "Ho", "1", noon)


def test_the_customer_and_the_agent_may_use_the_same_id(noon: datetime) -> None:
    ticket = factories.make_ticket(at=noon)

    say(ticket, "Hi", "1", noon)
    _said, new = say(ticket, "Ho", "1", noon, AGENT)

    assert new


def test_a_closed_ticket_takes_no_messages(noon: datetime) -> None:
    ticket = factories.make_ticket(at=noon)
    lifecycle.abandon(ticket, reason="left", at=noon)

    with pytest.raises(TicketClosed):
        say(ticket, "Hi", "1", noon)


def test_a_message_repeated_after_the_end_is_still_answered(noon: datetime) -> None:
    ticket = factories.make_ticket(at=noon)
    first, _new = say(ticket, "Hi", "1", noon)
    lifecycle.abandon(ticket, reason="left", at=noon)

    assert say(ticket, "Hi", "1", noon) == (first, False)


def test_messages_are_listed_after_a_number(noon: datetime) -> None:
    ticket = factories.make_ticket(at=noon)
    for number in range(5):
        say(ticket, str(number), str(number), noon)

    assert [one.seq for one in conversation.list_messages(ticket, after=2, limit=2)] == [3, 4]


def test_a_message_of_the_agent_is_sent_to_the_bot(noon: datetime) -> None:
    factories.make_endpoint()
    ticket = factories.make_ticket(at=noon)

    said, _new = say(ticket, "Good day", "1", noon, AGENT)

    news = WebhookDelivery.objects.get()
    assert (news.type, news.version) == ("message.created", 1)
    assert news.payload["data"]["message"] == {
        "id": str(said.pk),
        "seq": 1,
        "from": "agent",
        "text": "Good day",
        "at": noon.isoformat(),
    }


def test_a_message_of_the_customer_is_not_sent_to_the_bot(noon: datetime) -> None:
    factories.make_endpoint()
    ticket = factories.make_ticket(at=noon)

    say(ticket, "Hi", "1", noon)

    assert not WebhookDelivery.objects.exists()
    assert Ticket.objects.get().version == 0


def test_every_webhook_has_a_higher_version(noon: datetime) -> None:
    factories.make_endpoint()
    ticket = factories.make_ticket(at=noon)

    lifecycle.begin(ticket, agent_name="Amina", at=noon)
    say(ticket, "a", "1", noon, AGENT)
    say(ticket, "b", "2", noon, AGENT)
    lifecycle.resolve(ticket, disposition="solved", at=noon)

    told = WebhookDelivery.objects.order_by("version").values_list("version", "type")
    assert list(told) == [
        (1, "ticket.answered"),
        (2, "message.created"),
        (3, "message.created"),
        (4, "ticket.resolved"),
    ]
    assert [one.payload["data"]["version"] for one in WebhookDelivery.objects.all()] == [1, 2, 3, 4]


def test_the_database_refuses_two_messages_of_one_number(noon: datetime) -> None:
    ticket = factories.make_ticket(at=noon)
    say(ticket, "a", "1", noon)

    with refused_by("messages_are_numbered"):
        Message.objects.create(
            ticket=ticket, seq=1, origin=AGENT, text="b", client_message_id="2", at=noon
        )


def test_the_database_refuses_the_same_message_under_two_numbers(noon: datetime) -> None:
    ticket = factories.make_ticket(at=noon)
    say(ticket, "a", "1", noon)

    with refused_by("a_message_is_said_once"):
        Message.objects.create(
            ticket=ticket, seq=2, origin=CUSTOMER, text="a", client_message_id="1", at=noon
        )
