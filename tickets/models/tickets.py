"""Tickets, what the bot handed over, the messages since, and the review."""

from collections.abc import Collection, Mapping
from datetime import datetime

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from uuid_utils.compat import uuid7

from tickets.models.clients import Client


class TicketQuerySet(models.QuerySet["Ticket"]):
    def queued(self) -> "TicketQuerySet":
        return self.filter(status=Ticket.Status.QUEUED)

    def open(self) -> "TicketQuerySet":
        return self.filter(status__in=Ticket.OPEN)

    def for_client(self, client: Client) -> "TicketQuerySet":
        return self.filter(client=client)

    def speaking(self, languages: Collection[str]) -> "TicketQuerySet":
        return self.filter(language__in=languages)

    def in_order(self) -> "TicketQuerySet":
        """Sort tickets in the order in which they are served."""
        return self.order_by("-urgency", "due_at", "id")

    def close(self, status: "Ticket.Status", *, at: datetime) -> int:
        return self.open().update(status=status, closed_at=at)


def build_lane(language: str, skills: Mapping[str, int], certificate: str = "") -> str:
    """Build the lane of a ticket: its requirements as one string.

    "en/1 cards:2 +kyc" requires English at any level, cards at proficiency 2 or better, and the
    client's certificate. Tickets of one lane compete for the same agents. The parts are written as
    in `agents_presence.abilities`.
    """
    needs = [f"{language}/1", *sorted(f"{code}:{level}" for code, level in skills.items())]
    return " ".join([*needs, f"+{certificate}"] if certificate else needs)


class Ticket(models.Model):
    """One request for a human, from escalation to its final status."""

    class Status(models.TextChoices):
        #: Waits for an agent; offers may be pending.
        QUEUED = "queued", _("queued")
        #: An agent talks to the customer.
        ACTIVE = "active", _("active")
        #: The agent closed it.
        RESOLVED = "resolved", _("resolved")
        #: The agent gave the conversation back to the bot.
        HANDED_BACK = "handed_back", _("handed back")
        #: No agent took it in time; the bot told the customer and took over.
        UNAVAILABLE = "unavailable", _("unavailable")
        #: The customer left.
        ABANDONED = "abandoned", _("abandoned")

    class Urgency(models.IntegerChoices):
        LOW = 0, _("low")
        NORMAL = 1, _("normal")
        HIGH = 2, _("high")

    OPEN = (Status.QUEUED, Status.ACTIVE)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    # No index of its own: `tickets_by_client` serves this key, and every index slows each UPDATE.
    client = models.ForeignKey(
        Client,
        models.PROTECT,
        related_name="tickets",
        verbose_name=_("client"),
        db_index=False,
    )
    conversation_ref = models.CharField(_("conversation"), max_length=120)
    customer_ref = models.CharField(_("customer reference"), max_length=120)
    customer_name = models.CharField(_("customer"), max_length=120)
    language = models.CharField(_("language"), max_length=16)
    topic = models.SlugField(_("topic"), max_length=60, db_index=False)
    skills = models.JSONField(_("skills"), default=dict, help_text=_("Skill to least proficiency."))
    gives_way = ArrayField(
        models.CharField(max_length=40),
        verbose_name=_("skills that give way"),
        default=list,
        blank=True,
        help_text=_("Dropped at the matching policy's last step, so that somebody answers."),
    )
    lane = models.CharField(max_length=600, editable=False)
    #: Offers are pending, and waves make no others: until `reoffer_at`, if that is set.
    offered = models.BooleanField(default=False, editable=False)
    reoffer_at = models.DateTimeField(null=True, editable=False)
    #: How many times the required levels were lowered, because the customer had waited.
    times_lowered = models.PositiveSmallIntegerField(default=0, editable=False)
    #: When the scheduler next checks whether to lower the levels; null if nothing can be lowered.
    lower_at = models.DateTimeField(null=True, editable=False)
    urgency = models.SmallIntegerField(
        _("urgency"), choices=Urgency.choices, default=Urgency.NORMAL
    )
    status = models.CharField(
        _("status"), max_length=12, choices=Status.choices, default=Status.QUEUED
    )
    queued_at = models.DateTimeField(_("queued"))
    due_at = models.DateTimeField(_("promised by"))
    give_up_at = models.DateTimeField(_("told unavailable at"))
    answered_at = models.DateTimeField(_("answered"), null=True)
    closed_at = models.DateTimeField(_("closed"), null=True)
    disposition = models.CharField(_("disposition"), max_length=40, blank=True)
    note = models.TextField(_("note"), blank=True)
    answered_by = models.CharField(_("answered by"), max_length=80, blank=True)
    #: Rises each time an agent takes the ticket; an agent who acts with an older one is refused.
    epoch = models.PositiveIntegerField(default=0)
    #: Rises with every webhook, so that a receiver can sort them.
    version = models.PositiveIntegerField(default=0)
    #: The number of the newest message.
    last_seq = models.PositiveIntegerField(default=0)
    #: The wait quoted to the customer when the ticket was opened; null if none was known.
    quoted_p50_s = models.PositiveIntegerField(null=True, editable=False)
    quoted_p90_s = models.PositiveIntegerField(null=True, editable=False)

    #: Not a column: how many tickets were ahead when this one was opened.
    ahead = 0

    objects = TicketQuerySet.as_manager()

    class Meta:
        verbose_name = _("ticket")
        verbose_name_plural = _("tickets")
        constraints = [
            models.UniqueConstraint(
                fields=["client", "conversation_ref"],
                condition=Q(status__in=["queued", "active"]),
                name="one_open_ticket_per_conversation",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["queued", "active"], closed_at=None)
                | (~Q(status__in=["queued", "active"]) & Q(closed_at__isnull=False)),
                name="closed_means_closed_at",
            ),
        ]
        indexes = [
            models.Index(
                fields=["lane", "-urgency", "due_at", "id"],
                condition=Q(status="queued", offered=False),
                name="tickets_waiting",
            ),
            models.Index(
                fields=["language", "-urgency", "due_at"],
                condition=Q(status="queued"),
                name="tickets_in_line",
            ),
            models.Index(
                fields=["reoffer_at"],
                condition=Q(status="queued", offered=True),
                name="tickets_to_reoffer",
            ),
            models.Index(
                fields=["lower_at"],
                condition=Q(status="queued", lower_at__isnull=False),
                name="tickets_to_lower",
            ),
            models.Index(
                fields=["give_up_at"], condition=Q(status="queued"), name="tickets_giving_up"
            ),
            models.Index(
                fields=["language", "-answered_at"],
                condition=Q(answered_at__isnull=False),
                name="tickets_answered",
            ),
            models.Index(fields=["client", "-queued_at"], name="tickets_by_client"),
        ]

    def __str__(self) -> str:
        return f"{self.topic} {str(self.pk)[-6:]}"

    @property
    def is_open(self) -> bool:
        return self.status in self.OPEN


class Handoff(models.Model):
    """The bot's handoff (contract version 1), stored as it came."""

    ticket = models.OneToOneField(
        Ticket, models.CASCADE, primary_key=True, related_name="handoff", verbose_name=_("ticket")
    )
    contract = models.PositiveSmallIntegerField(default=1)
    summary = models.TextField(_("summary"), blank=True)
    tried = models.JSONField(_("what the bot tried"), default=list)
    transcript = models.JSONField(_("transcript"), default=list)
    context = models.JSONField(_("context"), default=dict)

    class Meta:
        verbose_name = _("handoff")
        verbose_name_plural = _("handoffs")

    def __str__(self) -> str:
        return str(self.ticket_id)


class Message(models.Model):
    """One message since the escalation, numbered without gaps within its ticket."""

    class Origin(models.TextChoices):
        CUSTOMER = "customer", _("customer")
        AGENT = "agent", _("agent")
        SYSTEM = "system", _("system")

    ticket = models.ForeignKey(
        Ticket,
        models.CASCADE,
        db_index=False,  # the constraint on ticket and seq has an index
        related_name="messages",
        verbose_name=_("ticket"),
    )
    seq = models.PositiveIntegerField(_("number"))
    origin = models.CharField(_("from"), max_length=10, choices=Origin.choices)
    text = models.TextField(_("text"))
    client_message_id = models.CharField(max_length=64)
    sent_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        constraints = [
            models.UniqueConstraint(fields=["ticket", "seq"], name="messages_are_numbered"),
            models.UniqueConstraint(
                fields=["ticket", "origin", "client_message_id"], name="a_message_is_said_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.origin} {self.seq}"


class Review(models.Model):
    """The customer's review of an ended ticket."""

    ticket = models.OneToOneField(
        Ticket, models.CASCADE, primary_key=True, related_name="review", verbose_name=_("ticket")
    )
    solved = models.BooleanField(_("solved"))
    score = models.PositiveSmallIntegerField(_("score"), null=True)
    comment = models.TextField(_("comment"), blank=True)
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("review")
        verbose_name_plural = _("reviews")
        constraints = [
            models.CheckConstraint(
                condition=Q(score=None) | Q(score__range=(1, 5)), name="a_score_is_1_to_5"
            ),
        ]

    def __str__(self) -> str:
        return str(self.ticket_id)
