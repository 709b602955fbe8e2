"""Ratings: counts the reviews of each agent as they come."""

from django.db.models import F

from dispatch.models import AgentRating, Assignment
from tickets.models import Review, Ticket

#: The lowest good score.
GOOD = 4


def add(ticket: Ticket, review: Review) -> None:
    """Count the review for the last agent of the ticket, if there was one."""
    last = Assignment.objects.filter(ticket=ticket).order_by("-epoch").first()
    if last is None:
        return
    standing, _new = AgentRating.objects.get_or_create(agent_id=last.agent_id)
    AgentRating.objects.filter(pk=standing.pk).update(
        reviews=F("reviews") + 1, good=F("good") + int(is_good(review))
    )


def is_good(review: Review) -> bool:
    """True if the problem was solved and the score, if given, is good."""
    return review.solved and (review.score is None or review.score >= GOOD)
