"""Assignments: one agent's work on one ticket."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from uuid_utils.compat import uuid7

from agents.models import Agent
from dispatch.models.offers import Offer
from tickets.models import Ticket


class AssignmentQuerySet(models.QuerySet["Assignment"]):
    def unfinished(self) -> "AssignmentQuerySet":
        return self.filter(finished_at=None)

    def talking(self) -> "AssignmentQuerySet":
        return self.filter(ended_at=None)

    def wrapping_up(self) -> "AssignmentQuerySet":
        return self.unfinished().filter(ended_at__isnull=False)


class Assignment(models.Model):
    """One agent's work on one ticket, from acceptance to the end of wrap-up."""

    class Ending(models.TextChoices):
        RESOLVED = "resolved", _("resolved")
        HANDED_BACK = "handed_back", _("handed back")
        #: The customer left.
        ABANDONED = "abandoned", _("abandoned")
        #: The agent was lost, so another agent took over.
        LOST = "lost", _("lost")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    offer = models.OneToOneField(
        Offer, models.PROTECT, related_name="assignment", verbose_name=_("offer")
    )
    ticket = models.ForeignKey(
        Ticket, models.PROTECT, related_name="assignments", verbose_name=_("ticket")
    )
    agent = models.ForeignKey(
        Agent, models.PROTECT, related_name="assignments", verbose_name=_("agent")
    )
    #: The ticket's epoch when the agent took it. If the ticket's is later, another agent has it.
    epoch = models.PositiveIntegerField()
    started_at = models.DateTimeField(_("started"))
    ended_at = models.DateTimeField(_("conversation ended"), null=True)
    ending = models.CharField(_("ending"), max_length=12, choices=Ending.choices, blank=True)
    wrap_up_by = models.DateTimeField(_("wrap-up by"), null=True)
    finished_at = models.DateTimeField(_("finished"), null=True)
    note = models.TextField(_("note"), blank=True)
    #: The amount paid in the end, in minor units of the quote's currency.
    paid = models.PositiveIntegerField(_("paid"), null=True)

    objects = AssignmentQuerySet.as_manager()

    class Meta:
        verbose_name = _("assignment")
        verbose_name_plural = _("assignments")
        constraints = [
            models.UniqueConstraint(
                fields=["ticket"],
                condition=Q(ended_at=None),
                name="one_open_assignment_per_ticket",
            ),
            models.UniqueConstraint(fields=["ticket", "epoch"], name="one_assignment_per_epoch"),
            models.CheckConstraint(
                condition=Q(finished_at=None) | Q(ended_at__isnull=False),
                name="finished_after_it_ended",
            ),
        ]
        indexes = [
            models.Index(
                fields=["agent"], condition=Q(finished_at=None), name="assignments_unfinished"
            ),
            models.Index(
                fields=["wrap_up_by"],
                condition=Q(finished_at=None, ended_at__isnull=False),
                name="assignments_wrapping_up",
            ),
            models.Index(fields=["agent", "-finished_at"], name="assignments_by_agent"),
            models.Index(fields=["ended_at"], condition=Q(ending="lost"), name="assignments_lost"),
        ]

    def __str__(self) -> str:
        return f"{self.ticket} · {self.agent}"
