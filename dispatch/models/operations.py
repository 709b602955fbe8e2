"""Rows about the platform itself: heartbeats, counters and audit findings."""

import os
import socket

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from uuid_utils.compat import uuid7


def get_host_and_pid() -> str:
    """The name of this process in these rows, "host:pid"."""
    return f"{socket.gethostname()}:{os.getpid()}"


class SchedulerHeartbeat(models.Model):
    """The leading scheduler: a single row, written each tick with the database's time."""

    id = models.SmallIntegerField(primary_key=True, default=1, editable=False)
    #: The leading process, "host:pid".
    leader = models.CharField(max_length=120)
    beat_at = models.DateTimeField()
    #: How late the last tick began against its schedule, and how long it took.
    lag_ms = models.PositiveIntegerField()
    took_ms = models.PositiveIntegerField()

    class Meta:
        verbose_name = _("heartbeat of the scheduler")
        verbose_name_plural = _("heartbeat of the scheduler")
        constraints = [
            models.CheckConstraint(condition=Q(id=1), name="one_heartbeat"),
        ]

    def __str__(self) -> str:
        return self.leader


class LiveServer(models.Model):
    """A process with open WebSockets. It reports their number, because only it knows."""

    #: "host:pid".
    name = models.CharField(primary_key=True, max_length=120)
    sockets = models.PositiveIntegerField()
    seen_at = models.DateTimeField()

    class Meta:
        verbose_name = _("live server")
        verbose_name_plural = _("live servers")

    def __str__(self) -> str:
        return self.name


class MatchLatency(models.Model):
    """A histogram of the wait for the first offer, one count for each ticket: a single row.

    It is stored in the database because many short-lived processes do the matching.
    """

    id = models.SmallIntegerField(primary_key=True, default=1, editable=False)
    #: First offers sent up to here are counted.
    counted_to = models.DateTimeField()
    #: Offers in each bucket of `dispatch.operations.first_offer_latency`. The last number counts
    #: the offers slower than every bucket.
    counts = ArrayField(models.BigIntegerField())
    seconds = models.FloatField(default=0)

    class Meta:
        verbose_name = _("wait for the first offer")
        verbose_name_plural = _("waits for the first offer")
        constraints = [
            models.CheckConstraint(condition=Q(id=1), name="one_row_of_latency"),
        ]

    def __str__(self) -> str:
        return str(self.counted_to)


class AuditRun(models.Model):
    """One complete check of all invariants."""

    at = models.DateTimeField(_("at"), db_index=True)
    breaches = models.PositiveIntegerField(_("breaches"))
    took_ms = models.PositiveIntegerField(_("took (ms)"))

    class Meta:
        verbose_name = _("audit")
        verbose_name_plural = _("audits")

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M}"


class AuditFinding(models.Model):
    """A row that broke an invariant."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    invariant = models.CharField(_("invariant"), max_length=40)
    #: The row that broke it, by id: "ticket:0192…".
    subject = models.CharField(_("subject"), max_length=200)
    seen_at = models.DateTimeField(_("first seen"))
    last_seen_at = models.DateTimeField(_("seen until"))

    class Meta:
        verbose_name = _("audit finding")
        verbose_name_plural = _("audit findings")
        constraints = [
            models.UniqueConstraint(
                fields=["invariant", "subject"], name="one_finding_per_subject"
            ),
        ]
        indexes = [models.Index(fields=["last_seen_at"], name="findings_by_last_seen")]

    def __str__(self) -> str:
        return f"{self.invariant} {self.subject}"
