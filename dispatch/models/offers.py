"""Offers: a ticket held for one agent, with the pay stated upfront."""

from datetime import datetime, timedelta
from typing import Any

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from uuid_utils.compat import uuid7

from agents.models import Agent
from agents.pay.quotes import Quote
from dispatch.models.decisions import Decision
from dispatch.models.triggers import PayNeverChanges
from dispatch.rules.limits import MOST_AT_ONCE
from tickets.models import Ticket

#: Time to answer, from the moment the card is on the screen. At least a minute, as
#: Colorado HB24-1129 asks.
OFFER_LASTS = timedelta(seconds=60)
#: The database waits this much longer, so that a slow network costs no agent.
GRACE = timedelta(seconds=5)
#: An offer that no screen has shown within this time is missed, which does not count as a time-out.
SHOWN_WITHIN = timedelta(seconds=20)


class OfferQuerySet(models.QuerySet["Offer"]):
    def pending(self) -> "OfferQuerySet":
        return self.filter(status__in=Offer.PENDING)

    def settle(self, status: "Offer.Status", *, at: Any, **also: Any) -> int:
        """Settle the pending offers among these. Of two racing callers one wins."""
        return self.pending().update(status=status, settled_at=at, **also)


class Offer(models.Model):
    """A ticket held for one agent, with the pay stated upfront."""

    class Status(models.TextChoices):
        #: On its way to the agent's screen.
        SENT = "sent", _("sent")
        #: On the agent's screen. The minute to answer runs.
        SHOWN = "shown", _("shown")
        ACCEPTED = "accepted", _("accepted")
        DECLINED = "declined", _("declined")
        #: Shown, and not answered in time.
        EXPIRED = "expired", _("expired")
        #: No screen ever showed it.
        MISSED = "missed_connectivity", _("missed connectivity")
        #: The ticket ended, or the agent went, before an answer.
        WITHDRAWN = "withdrawn", _("withdrawn")
        #: Another agent with an offer of the same ticket accepted first.
        TAKEN = "taken", _("taken")

    PENDING = (Status.SENT, Status.SHOWN)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    # No indexes of their own: those below serve these keys, and every index slows each UPDATE.
    ticket = models.ForeignKey(
        Ticket, models.PROTECT, db_index=False, related_name="offers", verbose_name=_("ticket")
    )
    agent = models.ForeignKey(
        Agent, models.PROTECT, db_index=False, related_name="offers", verbose_name=_("agent")
    )
    #: The decision of the wave that made it. Null if it was made by hand.
    decision = models.ForeignKey(
        Decision,
        models.PROTECT,
        db_index=False,
        null=True,
        related_name="offers",
        verbose_name=_("decision"),
    )
    #: Pending offers of a ticket have different slots, so constraints can limit their number.
    slot = models.PositiveSmallIntegerField(default=0, editable=False)
    status = models.CharField(
        _("status"), max_length=20, choices=Status.choices, default=Status.SENT
    )
    #: The promise, as `agents.pay.quotes.Quote`. The database refuses to change it.
    pay = models.JSONField(_("pay"))
    reasons = models.JSONField(_("reasons"), default=dict)
    sent_at = models.DateTimeField(_("sent"))
    shown_at = models.DateTimeField(_("shown"), null=True)
    expires_at = models.DateTimeField(_("expires"))
    settled_at = models.DateTimeField(_("settled"), null=True)
    #: The reason the agent gave, if any. Only counted over all agents, never used against one.
    declined_because = models.CharField(max_length=20, blank=True, editable=False)
    #: Declined for now only: the agent may be offered this ticket again.
    may_reoffer = models.BooleanField(default=False, editable=False)
    #: Accepted automatically, as the agent wished.
    auto_accepted = models.BooleanField(default=False, editable=False)

    objects = OfferQuerySet.as_manager()

    class Meta:
        verbose_name = _("offer")
        verbose_name_plural = _("offers")
        triggers = [PayNeverChanges()]
        constraints = [
            models.UniqueConstraint(
                fields=["ticket", "slot"],
                condition=Q(status__in=["sent", "shown"]),
                name="one_pending_offer_per_slot",
            ),
            models.UniqueConstraint(
                fields=["ticket", "agent"],
                condition=Q(status__in=["sent", "shown"]),
                name="nobody_is_asked_twice_at_once",
            ),
            models.CheckConstraint(
                condition=Q(slot__lt=MOST_AT_ONCE), name="at_most_three_are_asked_at_once"
            ),
            models.CheckConstraint(
                condition=~Q(status="accepted") | Q(settled_at__lt=F("expires_at")),
                name="accepted_before_it_expired",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["sent", "shown"], settled_at=None)
                | (~Q(status__in=["sent", "shown"]) & Q(settled_at__isnull=False)),
                name="settled_means_settled_at",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=["shown", "expired"]) | Q(shown_at__isnull=False),
                name="what_expired_was_shown",
            ),
        ]
        indexes = [
            models.Index(
                fields=["expires_at"],
                condition=Q(status__in=["sent", "shown"]),
                name="offers_pending",
            ),
            models.Index(
                fields=["agent"], condition=Q(status__in=["sent", "shown"]), name="offers_asked"
            ),
            models.Index(fields=["agent", "-sent_at"], name="offers_by_agent"),
            models.Index(fields=["ticket", "status"], name="offers_by_ticket"),
            models.Index(fields=["decision"], name="offers_by_decision"),
            models.Index(fields=["sent_at"], name="offers_by_moment"),
        ]

    def __str__(self) -> str:
        return f"{self.ticket} → {self.agent} ({self.get_status_display()})"

    @property
    def is_pending(self) -> bool:
        return self.status in self.PENDING

    @property
    def answer_by(self) -> datetime:
        """The end of the countdown on the card. Before the card is shown, a whole minute."""
        return self.expires_at - GRACE if self.shown_at else self.sent_at + OFFER_LASTS

    @property
    def quote(self) -> Quote:
        return Quote.from_json(self.pay)
