"""Responses of the API. They are typed, so that the OpenAPI schema always matches them."""

from datetime import datetime
from typing import Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from tickets import queue
from tickets.models import Message, Review, Ticket

TicketStatus = Literal["queued", "active", "resolved", "handed_back", "unavailable", "abandoned"]


class Opened(BaseModel):
    """A ticket that was opened, and its place in the queue."""

    ticket: UUID
    status: TicketStatus
    position: int | None = Field(description="1 is next. Null once the ticket is no longer queued.")
    expected_wait_s: int | None = Field(
        description="Seconds within which half of such customers are answered. Null: not known."
    )
    expected_wait_p90_s: int | None = Field(
        description="Seconds within which nine of ten such customers are answered."
    )
    opens_at: datetime | None = Field(description="When the client opens, if it is closed now.")
    url: str

    @classmethod
    def from_ticket(cls, ticket: Ticket, *, at: datetime, url: str) -> Self:
        return cls(
            ticket=ticket.pk,
            status=ticket.status,
            position=ticket.ahead + 1,
            expected_wait_s=ticket.quoted_p50_s,
            expected_wait_p90_s=ticket.quoted_p90_s,
            opens_at=queue.get_opening(ticket, at=at),
            url=url,
        )


class AgentName(BaseModel):
    """The agent, by the name shown to customers."""

    name: str


class Handback(BaseModel):
    """The reason why the conversation returned to the bot."""

    reason: str
    note: str


class TicketState(BaseModel):
    """A ticket as it is now."""

    ticket: UUID
    conversation_ref: str
    status: TicketStatus
    version: int = Field(description="Rises with every webhook about this ticket.")
    position: int | None
    expected_wait_s: int | None = Field(description="From now on; half are answered within it.")
    expected_wait_p90_s: int | None = Field(description="Nine of ten are answered within it.")
    opens_at: datetime | None = Field(description="When the client opens, if it is closed now.")
    agent: AgentName | None
    queued_at: datetime
    answered_at: datetime | None
    closed_at: datetime | None
    disposition: str
    handback: Handback | None

    @classmethod
    def from_ticket(cls, ticket: Ticket, *, at: datetime) -> Self:
        handed_back = ticket.status == Ticket.Status.HANDED_BACK
        wait = queue.estimate_wait(ticket, at=at)
        return cls(
            ticket=ticket.pk,
            conversation_ref=ticket.conversation_ref,
            status=ticket.status,
            version=ticket.version,
            position=queue.get_position(ticket),
            expected_wait_s=wait.p50,
            expected_wait_p90_s=wait.p90,
            opens_at=queue.get_opening(ticket, at=at),
            agent=AgentName(name=ticket.answered_by) if ticket.answered_by else None,
            queued_at=ticket.queued_at,
            answered_at=ticket.answered_at,
            closed_at=ticket.closed_at,
            disposition=ticket.disposition,
            handback=Handback(reason=ticket.disposition, note=ticket.note) if handed_back else None,
        )


class Reviewed(BaseModel):
    """A review as it was stored."""

    ticket: UUID
    solved: bool
    score: int | None
    comment: str
    at: datetime

    @classmethod
    def from_review(cls, review: Review) -> Self:
        return cls(
            ticket=review.ticket_id,
            solved=review.solved,
            score=review.score,
            comment=review.comment,
            at=review.at,
        )


class Said(BaseModel):
    """A message as it was stored."""

    model_config = ConfigDict(populate_by_name=True)

    id: str
    seq: int
    origin: Literal["customer", "agent", "system"] = Field(alias="from")
    text: str
    at: datetime
    client_message_id: str

    @classmethod
    def from_message(cls, message: Message) -> Self:
        return cls(
            id=str(message.pk),
            seq=message.seq,
            origin=message.origin,
            text=message.text,
            at=message.at,
            client_message_id=message.client_message_id,
        )


class Conversation(BaseModel):
    """Messages in order."""

    messages: list[Said]


class FieldError(BaseModel):
    """An error in one field."""

    field: str
    detail: str


class Problem(BaseModel):
    """An error in the form of RFC 9457, as application/problem+json."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    errors: list[FieldError] | None = None
