"""Webhooks: the outbox. A row is written with the change it reports, and sent afterwards."""

import base64
import secrets
from datetime import datetime

from django.core.validators import URLValidator
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext_lazy as _
from uuid_utils.compat import uuid7

from tickets.models.clients import Client
from tickets.models.tickets import Ticket


def new_secret() -> str:
    """Create a signing secret in the form of Standard Webhooks."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


class WebhookEndpoint(models.Model):
    """An address that receives a client's webhooks, and the secret that signs them."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    client = models.ForeignKey(
        Client, models.CASCADE, related_name="endpoints", verbose_name=_("client")
    )
    url = models.CharField(
        _("address"), max_length=400, validators=[URLValidator(schemes=["https", "http"])]
    )
    secret = models.CharField(_("secret"), max_length=120, default=new_secret, editable=False)
    disabled_at = models.DateTimeField(_("disabled"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("webhook endpoint")
        verbose_name_plural = _("webhook endpoints")

    def __str__(self) -> str:
        return self.url


class WebhookDeliveryQuerySet(models.QuerySet["WebhookDelivery"]):
    def unsent(self) -> "WebhookDeliveryQuerySet":
        return self.filter(delivered_at=None, dead_at=None)

    def untried(self, *, at: datetime) -> "WebhookDeliveryQuerySet":
        """Deliveries that are late through our own fault: due and never attempted.

        Excluded are those that wait for an earlier delivery of the same ticket, or for an endpoint
        that fails.
        """
        unsent = WebhookDelivery.objects.unsent().filter(endpoint=OuterRef("endpoint"))
        earlier = unsent.filter(ticket=OuterRef("ticket"), version__lt=OuterRef("version"))
        due = self.unsent().filter(attempts=0, next_attempt_at__lte=at, endpoint__disabled_at=None)
        return due.filter(~Exists(earlier), ~Exists(unsent.filter(attempts__gt=1)))


class WebhookDelivery(models.Model):
    """One webhook to one endpoint. The webhook-id is made from its id, so every attempt has it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    endpoint = models.ForeignKey(
        WebhookEndpoint, models.CASCADE, related_name="deliveries", verbose_name=_("endpoint")
    )
    ticket = models.ForeignKey(
        Ticket, models.CASCADE, related_name="deliveries", verbose_name=_("ticket")
    )
    type = models.CharField(_("type"), max_length=40)
    version = models.PositiveIntegerField(_("version"))
    payload = models.JSONField(_("payload"))
    created_at = models.DateTimeField(_("created"))
    next_attempt_at = models.DateTimeField(_("next attempt"))
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    delivered_at = models.DateTimeField(_("delivered"), null=True)
    dead_at = models.DateTimeField(_("given up"), null=True)
    #: The PostgreSQL backend PID of the process that is sending it now.
    sender = models.IntegerField(null=True, editable=False)

    objects = WebhookDeliveryQuerySet.as_manager()

    class Meta:
        verbose_name = _("webhook delivery")
        verbose_name_plural = _("webhook deliveries")
        constraints = [
            models.UniqueConstraint(
                fields=["endpoint", "ticket", "version"], name="one_delivery_per_version"
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_attempt_at"],
                condition=Q(delivered_at=None, dead_at=None),
                name="webhooks_unsent",
            ),
            models.Index(
                fields=["endpoint", "ticket", "version"],
                condition=Q(delivered_at=None, dead_at=None),
                name="webhooks_held_back",
            ),
            models.Index(
                fields=["dead_at"], condition=Q(dead_at__isnull=False), name="webhooks_dead"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.version}"


class WebhookAttempt(models.Model):
    """The delivery log: the result of each attempt."""

    delivery = models.ForeignKey(
        WebhookDelivery, models.CASCADE, related_name="log", verbose_name=_("delivery")
    )
    at = models.DateTimeField(_("at"))
    status = models.PositiveSmallIntegerField(_("answer"), null=True)
    error = models.CharField(_("error"), max_length=200, blank=True)
    took_ms = models.PositiveIntegerField(_("took (ms)"))

    class Meta:
        verbose_name = _("delivery attempt")
        verbose_name_plural = _("delivery attempts")

    def __str__(self) -> str:
        return f"{self.at:%H:%M:%S} {self.status or self.error}"
