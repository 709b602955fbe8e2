"""Standings: what customers said of each agent's work, counted as it comes."""

from django.db.models import F

from dispatch.models import AgentRating, Assignment
from tickets.models import Review, Ticket

#: A score from here on is a good one.
GOOD = 4


def add(ticket: Ticket, review: Review) -> None:
    """Count the review for whoever held the ticket last. Nobody held it: it is nobody's."""
    last = Assignment.objects.filter(ticket=ticket).order_by("-epoch").first()
    if last is None:
        return
    standing, _new = AgentRating.objects.get_or_create(agent_id=last.agent_id)
    AgentRating.objects.filter(pk=standing.pk).update(
        reviews=F("reviews") + 1, good=F("good") + int(is_good(review))
    )


def is_good(review: Review) -> bool:
    """The customer was helped and, if they gave a score, thought well of it."""
    return review.solved and (review.score is None or review.score >= GOOD)
