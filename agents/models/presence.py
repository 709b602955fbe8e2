"""Presence: whether an agent can be asked now, and how much they hold already."""

from datetime import datetime, timedelta

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from agents.models.people import Agent

#: A page beats every ten seconds; after this long without one the agent is gone (reliability L4).
SILENCE = timedelta(seconds=45)


class PresenceQuerySet(models.QuerySet["Presence"]):
    def available(self) -> "PresenceQuerySet":
        return self.filter(status=Presence.Status.AVAILABLE)

    def heard_since(self, moment: datetime) -> "PresenceQuerySet":
        return self.filter(seen_at__gt=moment)

    def free(self, *, at: datetime) -> "PresenceQuerySet":
        """Those who could be offered one more ticket now."""
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
    #: What they can do, each proficiency with those below it: "en/1" … "en/5", "cards:1" …
    #: Kept by the database from their languages and skills; see the migration that adds it.
    abilities = ArrayField(models.TextField(), default=list, editable=False)
    load = models.PositiveSmallIntegerField(
        _("load"), default=0, help_text=_("Pending offers and open assignments.")
    )

    objects = PresenceQuerySet.as_manager()

    class Meta:
        verbose_name = _("presence")
        verbose_name_plural = _("presence")
        constraints = [
            models.CheckConstraint(
                condition=Q(load__gte=0, load__lte=F("capacity")), name="load_is_within_capacity"
            ),
        ]
        indexes = [
            models.Index(
                fields=["idle_since"],
                condition=Q(status="available", load__lt=F("capacity")),
                name="presence_free",
            ),
            # Who is here, for whoever looks for the silent. Not by `seen_at`: beats rewrite it, and
            # only a column in no index is rewritten in place.
            models.Index(
                fields=["status"],
                condition=Q(status__in=["available", "away"]),
                name="presence_here",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.agent_id} {self.status} {self.load}/{self.capacity}"


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
