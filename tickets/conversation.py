"""The conversation of a ticket: its messages in order, each stored once."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import F

from tickets import lifecycle
from tickets.errors import MessageChanged, TicketClosed
from tickets.events import outbox
from tickets.models import Message, Ticket
from tickets.signals import message_added

if TYPE_CHECKING:
    from agents.models import User

Origin = Message.Origin


@transaction.atomic
def add_message(
    ticket: Ticket,
    *,
    origin: Message.Origin,
    text: str,
    client_message_id: str,
    at: datetime,
    sent_by: "User | None" = None,
) -> tuple[Message, bool]:
    """Add a message; the second value is False when it was stored already.

    Raises TicketClosed, and MessageChanged when the id was used for another text.
    """
    return append(
        lifecycle.lock(ticket),
        origin=origin,
        text=text,
        client_message_id=client_message_id,
        at=at,
        sent_by=sent_by,
    )


def append(
    ticket: Ticket,
    *,
    origin: Message.Origin,
    text: str,
    client_message_id: str,
    at: datetime,
    sent_by: "User | None" = None,
) -> tuple[Message, bool]:
    """Add a message to a ticket that this transaction has already locked; see `add_message`."""
    if before := find_message(ticket, origin, client_message_id):
        return _require_same_text(before, text), False
    if not ticket.is_open:
        raise TicketClosed
    message = Message.objects.create(
        ticket=ticket,
        seq=ticket.last_seq + 1,
        origin=origin,
        text=text,
        client_message_id=client_message_id,
        sent_by=sent_by,
        at=at,
    )
    _announce(ticket, message, at=at)
    return message, True


def find_message(ticket: Ticket, origin: Message.Origin, client_message_id: str) -> Message | None:
    """Find the message that was stored under this id."""
    return Message.objects.filter(
        ticket=ticket, origin=origin, client_message_id=client_message_id
    ).first()


def list_messages(ticket: Ticket, *, after: int = 0, limit: int = 500) -> list[Message]:
    """List the messages numbered above `after`, in order."""
    return list(ticket.messages.filter(seq__gt=after).order_by("seq")[:limit])


def to_json(message: Message) -> dict[str, Any]:
    """Write a message as the API and the webhooks do."""
    return {
        "id": str(message.pk),
        "seq": message.seq,
        "from": message.origin,
        "text": message.text,
        "at": message.at.isoformat(),
    }


def _require_same_text(before: Message, text: str) -> Message:
    if before.text != text:
        raise MessageChanged
    return before


def _announce(ticket: Ticket, message: Message, *, at: datetime) -> None:
    """Send a webhook for an agent's message. The bot already knows what its customer wrote."""
    news = message.origin == Origin.AGENT
    Ticket.objects.filter(pk=ticket.pk).update(
        last_seq=message.seq, version=F("version") + (1 if news else 0)
    )
    if news:
        ticket.version += 1
        outbox.queue(ticket, "message.created", {"message": to_json(message)}, at=at)
    message_added.send(Ticket, ticket=ticket, message=message, at=at)
