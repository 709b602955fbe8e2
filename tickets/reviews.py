"""Reviews: what a customer says of how it went, asked once when the ticket has ended."""

from datetime import datetime

from django.db import transaction

from tickets import lifecycle
from tickets.errors import ReviewChanged, TicketStillOpen
from tickets.models import Review, Ticket
from tickets.signals import ticket_reviewed


@transaction.atomic
def write(
    ticket: Ticket, *, solved: bool, score: int | None = None, comment: str = "", at: datetime
) -> tuple[Review, bool]:
    """Keep the review, and whether it is new. Raises TicketStillOpen, ReviewChanged.

    The same words again are the same review, so that a bot may try again.
    """
    held = lifecycle.lock(ticket)
    if held.is_open:
        raise TicketStillOpen
    said = {"solved": solved, "score": score, "comment": comment}
    review, new = Review.objects.get_or_create(ticket=held, defaults={**said, "at": at})
    if new:
        ticket_reviewed.send(Ticket, ticket=held, review=review, at=at)
    elif said != {name: getattr(review, name) for name in said}:
        raise ReviewChanged
    return review, new
