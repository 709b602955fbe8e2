"""Ratings: the number of reviews of each agent."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from agents.models import Agent


class AgentRating(models.Model):
    """The number of reviews and of good reviews of an agent."""

    agent = models.OneToOneField(
        Agent,
        models.CASCADE,
        primary_key=True,
        related_name="standing",
        verbose_name=_("agent"),
    )
    reviews = models.PositiveIntegerField(_("reviews"), default=0)
    good = models.PositiveIntegerField(_("good reviews"), default=0)

    class Meta:
        verbose_name = _("standing")
        verbose_name_plural = _("standings")
        constraints = [
            models.CheckConstraint(
                condition=Q(good__lte=F("reviews")), name="good_reviews_are_reviews"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.agent} {self.good}/{self.reviews}"
