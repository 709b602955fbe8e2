"""Presence: whether an agent can get an offer now, and how much work they hold."""

from datetime import timedelta

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from pgtrigger import Insert

from agents.models import triggers
from agents.models.people import Agent

#: An open page sends a heartbeat every ten seconds; an agent without one for this long is gone.
SILENCE = timedelta(seconds=45)


class PresenceQuerySet(models.QuerySet["Presence"]):
    def available(self) -> "PresenceQuerySet":
        return self.filter(status=Presence.Status.AVAILABLE)


class Presence(models.Model):
    """The current state of an agent, one narrow row that is updated often. Busy is computed from
    load."""

    class Status(models.TextChoices):
        OFFLINE = "offline", _("offline")
        AVAILABLE = "available", _("available")
        AWAY = "away", _("away")

    agent = models.OneToOneField(
        Agent, models.CASCADE, primary_key=True, related_name="presence", verbose_name=_("agent")
    )
    status = models.CharField(
        _("presence"), max_length=10, choices=Status.choices, default=Status.OFFLINE
    )
    since = models.DateTimeField(_("since"), null=True)
    seen_at = models.DateTimeField(_("last seen"), null=True)
    idle_since = models.DateTimeField(_("idle since"), null=True)
    capacity = models.PositiveSmallIntegerField(
        _("capacity"),
        default=1,
        validators=[MinValueValidator(1), MaxValueValidator(10)],
        help_text=_("Most conversations at once."),
    )
    #: The agent's abilities. Each level includes the lower ones: "en/1" … "en/5", "cards:1" …; a
    #: certificate is "+kyc". The trigger `refresh_abilities` writes them.
    abilities = ArrayField(models.TextField(), default=list, editable=False)
    load = models.PositiveSmallIntegerField(
        _("load"), default=0, help_text=_("Pending offers and open assignments.")
    )
    #: The conversations accepted on `worked_on`, a UTC day. The policy spreads work by this number.
    worked_today = models.PositiveSmallIntegerField(default=0, editable=False)
    worked_on = models.DateField(null=True, editable=False)
    #: The offers shown and left unanswered since the last answer. Three pause the agent; no record
    #: is kept.
    timeouts_in_row = models.PositiveSmallIntegerField(default=0, editable=False)
    #: True if the agent is away because of unanswered offers, false if they chose to be away.
    paused = models.BooleanField(_("paused"), default=False, editable=False)
    #: True if an offer is accepted for the agent once their page shows it, up to the hourly limit.
    auto_accept = models.BooleanField(_("accepts by itself"), default=False, editable=False)
    auto_accept_limit = models.PositiveSmallIntegerField(
        _("most accepted by itself an hour"),
        default=6,
        validators=[MinValueValidator(1), MaxValueValidator(30)],
        editable=False,
    )

    objects = PresenceQuerySet.as_manager()

    class Meta:
        verbose_name = _("presence")
        verbose_name_plural = _("presence")
        triggers = [
            triggers.RecordAbilitiesOnInsert(),
            triggers.RefreshAbilities(operation=Insert),
            triggers.RefreshFreeAgentsOnInsert(),
            triggers.RecordAbilitiesOnUpdate(),
            triggers.RefreshFreeAgentsOnUpdate(),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(load__gte=0, load__lte=F("capacity")), name="load_is_within_capacity"
            ),
        ]
        indexes = [
            # This index finds agents who are online, for the sweep of silent agents. It leaves
            # `seen_at` out, because PostgreSQL updates a row in place only if no index has the
            # changed column.
            models.Index(
                fields=["status"],
                condition=Q(status__in=["available", "away"]),
                name="presence_here",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.agent_id} {self.status} {self.load}/{self.capacity}"


class FreeAgentEntry(models.Model):
    """An index row of a free agent: one for each language, ordered by idle time.

    Rows exist only while the agent is available and has room. The triggers `refresh_free_agents_*`
    write them, so a wave finds candidates for a lane without reading agents who cannot get an
    offer.
    """

    agent = models.ForeignKey(Agent, models.CASCADE, related_name="+", db_index=False)
    language = models.CharField(max_length=16)
    idle_since = models.DateTimeField()
    abilities = ArrayField(models.TextField())

    class Meta:
        verbose_name = _("place in line")
        verbose_name_plural = _("places in line")
        indexes = [
            models.Index(fields=["language", "idle_since"], name="places_in_line"),
            models.Index(fields=["agent"], name="places_by_agent"),
        ]

    def __str__(self) -> str:
        return f"{self.agent_id} {self.language}"


class AbilitySpan(models.Model):
    """The abilities of an agent from a moment until the next row. A trigger writes the rows, so
    that an old decision can still be explained after abilities have changed."""

    agent = models.ForeignKey(Agent, models.CASCADE, related_name="ability_spans")
    abilities = ArrayField(models.TextField())
    capacity = models.PositiveSmallIntegerField()
    started_at = models.DateTimeField()

    class Meta:
        verbose_name = _("abilities")
        verbose_name_plural = _("history of abilities")
        indexes = [models.Index(fields=["agent", "-started_at"], name="abilities_by_agent")]

    def __str__(self) -> str:
        return f"{self.agent_id} {self.started_at:%d %b %H:%M}"


class PresenceSpan(models.Model):
    """A period of one presence status. Offline is the absence of a span."""

    agent = models.ForeignKey(Agent, models.CASCADE, related_name="spans")
    status = models.CharField(_("presence"), max_length=10, choices=Presence.Status.choices)
    started_at = models.DateTimeField(_("started"))
    ended_at = models.DateTimeField(_("ended"), null=True)

    class Meta:
        verbose_name = _("presence span")
        verbose_name_plural = _("presence history")
        constraints = [
            models.UniqueConstraint(
                fields=["agent"], condition=Q(ended_at=None), name="one_open_span_per_agent"
            ),
        ]
        indexes = [models.Index(fields=["agent", "started_at"], name="span_by_agent")]

    def __str__(self) -> str:
        return f"{self.agent_id} {self.status} {self.started_at:%d %b %H:%M}"
