"""Reviews: one by each customer, once the ticket has ended."""

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
    """Store the review; also returns whether it is new. Raises TicketStillOpen, ReviewChanged.

    The same review sent again changes nothing, so that a bot may retry.
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
