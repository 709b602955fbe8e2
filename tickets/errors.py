"""Refusals about tickets. The docstring of each is the message people read."""

from uuid import UUID


class TicketError(Exception):
    """This can't be done with this ticket."""

    code = "ticket_error"
    status = 409

    def __str__(self) -> str:
        return super().__str__() or (self.__doc__ or "").strip()


class TicketClosed(TicketError):
    """This ticket is closed. Escalate again to open a new one."""

    code = "ticket_closed"


class TicketNotWaiting(TicketError):
    """This ticket is not waiting for an agent."""

    code = "ticket_not_waiting"


class TicketNotActive(TicketError):
    """No agent is on this ticket now."""

    code = "ticket_not_active"


class ConversationAlreadyOpen(TicketError):
    """This conversation has an open ticket already."""

    code = "conversation_already_open"

    def __init__(self, ticket: UUID) -> None:
        super().__init__()
        self.ticket = ticket


class MessageChanged(TicketError):
    """Another message was sent with this client_message_id."""

    code = "message_changed"


class TicketStillOpen(TicketError):
    """The customer can say how it went once the ticket has ended."""

    code = "ticket_still_open"


class ReviewChanged(TicketError):
    """This ticket has another review already."""

    code = "review_changed"


class KeyMissing(TicketError):
    """Send an Idempotency-Key header, new for each escalation and the same for its retries."""

    code = "idempotency_key_missing"
    status = 400


class KeyReused(TicketError):
    """This Idempotency-Key was used with another payload."""

    code = "idempotency_key_reused"
    status = 422


class KeyBusy(TicketError):
    """A request with this Idempotency-Key is still running. Try again in a second."""

    code = "idempotency_key_busy"


class UnsafeUrl(TicketError):
    """A webhook must go to a public https address."""

    code = "unsafe_url"
    status = 400
