"""Presence: whether an agent can be asked now, and how much they hold already."""

from datetime import datetime, timedelta

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from pgtrigger import Insert

from agents.models import triggers
from agents.models.people import Agent

#: A page beats every ten seconds; after this long without one the agent is gone (reliability L4).
SILENCE = timedelta(seconds=45)


class PresenceQuerySet(models.QuerySet["Presence"]):
    def available(self) -> "PresenceQuerySet":
        return self.filter(status=Presence.Status.AVAILABLE)

    def heard_since(self, moment: datetime) -> "PresenceQuerySet":
        return self.filter(seen_at__gt=moment)

    def free(self, *, at: datetime) -> "PresenceQuerySet":
        """Agents who could be offered one more ticket now."""
        return self.available().heard_since(at - SILENCE).filter(load__lt=F("capacity"))


class Presence(models.Model):
    """One narrow, often written row an agent. Busy is computed (load), never stored."""

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
    #: What they can do, each proficiency with those below it: "en/1" … "en/5", "cards:1" …, and
    #: certificates as "+kyc". Written by the trigger `refresh_abilities`.
    abilities = ArrayField(models.TextField(), default=list, editable=False)
    load = models.PositiveSmallIntegerField(
        _("load"), default=0, help_text=_("Pending offers and open assignments.")
    )
    #: Conversations taken on `worked_on`, a day of UTC: their share of today's work.
    worked_today = models.PositiveSmallIntegerField(default=0, editable=False)
    worked_on = models.DateField(null=True, editable=False)
    #: Offers shown and not answered since the last answer. Three pause them; no record is kept.
    timeouts_in_row = models.PositiveSmallIntegerField(default=0, editable=False)
    #: Away because nobody answered, not because they said so.
    paused = models.BooleanField(_("paused"), default=False, editable=False)
    #: Offers are accepted for them as soon as their screen shows them, up to so many an hour.
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
            # Present agents, for the search for silent ones. Not by `seen_at`: beats rewrite it,
            # and only a column in no index is rewritten in place.
            models.Index(
                fields=["status"],
                condition=Q(status__in=["available", "away"]),
                name="presence_here",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.agent_id} {self.status} {self.load}/{self.capacity}"


class FreeAgentEntry(models.Model):
    """A free agent's place in the line of a language they speak, the longest idle in front.

    There only while they are available and have room. Written by the database as presence changes,
    so that a wave finds who can serve a lane without looking at those who can't be asked.
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
    """What an agent could do from a moment on, until the next row. Written by the database, so that
    a decision can still be explained when abilities have changed."""

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
    """A stretch of time in one presence; offline is the absence of a span."""

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
