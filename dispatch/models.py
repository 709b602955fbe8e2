"""The rows of dispatch: an offer holds a ticket for one agent; an assignment is the work."""

from datetime import datetime, timedelta
from typing import Any

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from uuid_utils.compat import uuid7

from agents.models import Agent
from agents.pay.rates import Quote
from tickets.models import Ticket

#: At least a minute to answer (fair work O3: Colorado HB24-1129).
OFFER_LASTS = timedelta(seconds=60)
#: A slow line may not cost the agent (fair work O4): the database waits this much longer.
GRACE = timedelta(seconds=5)


class OfferQuerySet(models.QuerySet["Offer"]):
    def pending(self) -> "OfferQuerySet":
        return self.filter(status=Offer.Status.SENT)

    def settle(self, status: "Offer.Status", *, at: Any) -> int:
        """Settle those still pending; of two racing callers the database lets one win."""
        return self.pending().update(status=status, settled_at=at)


class Offer(models.Model):
    """A ticket held for one agent, pay upfront."""

    class Status(models.TextChoices):
        #: On its way to or on the agent's screen.
        SENT = "sent", _("sent")
        ACCEPTED = "accepted", _("accepted")
        DECLINED = "declined", _("declined")
        #: Not answered in time.
        EXPIRED = "expired", _("expired")
        #: The ticket ended, or the agent went, before an answer.
        WITHDRAWN = "withdrawn", _("withdrawn")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    ticket = models.ForeignKey(
        Ticket, models.PROTECT, related_name="offers", verbose_name=_("ticket")
    )
    agent = models.ForeignKey(Agent, models.PROTECT, related_name="offers", verbose_name=_("agent"))
    status = models.CharField(
        _("status"), max_length=10, choices=Status.choices, default=Status.SENT
    )
    #: The promise, as `agents.pay.rates.Quote`. The database refuses to change it.
    pay = models.JSONField(_("pay"))
    reasons = models.JSONField(_("reasons"), default=dict)
    sent_at = models.DateTimeField(_("sent"))
    expires_at = models.DateTimeField(_("expires"))
    settled_at = models.DateTimeField(_("settled"), null=True)

    objects = OfferQuerySet.as_manager()

    class Meta:
        verbose_name = _("offer")
        verbose_name_plural = _("offers")
        constraints = [
            models.UniqueConstraint(
                fields=["ticket"], condition=Q(status="sent"), name="one_pending_offer_per_ticket"
            ),
            models.CheckConstraint(
                condition=~Q(status="accepted") | Q(settled_at__lt=F("expires_at")),
                name="accepted_before_it_expired",
            ),
            models.CheckConstraint(
                condition=Q(status="sent", settled_at=None)
                | (~Q(status="sent") & Q(settled_at__isnull=False)),
                name="settled_means_settled_at",
            ),
        ]
        indexes = [
            models.Index(fields=["expires_at"], condition=Q(status="sent"), name="offers_pending"),
            models.Index(fields=["agent", "-sent_at"], name="offers_by_agent"),
            models.Index(fields=["ticket", "status"], name="offers_by_ticket"),
        ]

    def __str__(self) -> str:
        return f"{self.ticket} → {self.agent} ({self.get_status_display()})"

    @property
    def answer_by(self) -> datetime:
        """The end of the countdown the agent sees."""
        return self.expires_at - GRACE

    @property
    def quote(self) -> Quote:
        return Quote.from_json(self.pay)


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
        #: The agent's line was lost, so somebody else took over.
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
    #: The ticket's epoch when it was taken: a later one means somebody else has it.
    epoch = models.PositiveIntegerField()
    started_at = models.DateTimeField(_("started"))
    ended_at = models.DateTimeField(_("conversation ended"), null=True)
    ending = models.CharField(_("ending"), max_length=12, choices=Ending.choices, blank=True)
    wrap_up_by = models.DateTimeField(_("wrap-up by"), null=True)
    finished_at = models.DateTimeField(_("finished"), null=True)
    note = models.TextField(_("note"), blank=True)
    #: What was paid in the end, in minor units of the quote's currency.
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
        ]

    def __str__(self) -> str:
        return f"{self.ticket} · {self.agent}"


class Standing(models.Model):
    """What customers said of an agent's work, counted."""

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
