"""Clients: the businesses whose chatbots escalate, with their API keys, and skills."""

from datetime import timedelta

from django.db import models
from django.utils.translation import gettext_lazy as _
from uuid_utils.compat import uuid7


class Client(models.Model):
    """A business. Sees only its own tickets."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    slug = models.SlugField(_("code"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=80)
    answer_within = models.DurationField(
        _("answer within"),
        default=timedelta(seconds=30),
        help_text=_("The promise: most customers are answered within this time."),
    )
    patience = models.DurationField(
        _("patience"),
        default=timedelta(minutes=3),
        help_text=_("After this wait the customer is told that no one is available."),
    )
    wrap_up = models.DurationField(
        _("wrap-up"),
        default=timedelta(minutes=2),
        help_text=_("Most paid time for work after a conversation."),
    )
    certificate = models.SlugField(
        _("certificate"),
        max_length=40,
        blank=True,
        help_text=_("Only agents who hold this certificate are asked; empty: everybody may be."),
    )
    #: Open times by weekday, {"mon": [["09:00", "12:30"]]}; see `tickets.opening_hours`.
    opening_hours = models.JSONField(_("opening hours"), default=dict, blank=True)
    time_zone = models.CharField(_("time zone"), max_length=64, default="Europe/Paris")
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    #: For DRF: authentication sets the client as the user of the request.
    is_authenticated = True

    class Meta:
        verbose_name = _("client")
        verbose_name_plural = _("clients")

    def __str__(self) -> str:
        return self.name


class Skill(models.Model):
    """A skill that a ticket may require and an agent may have."""

    code = models.SlugField(_("code"), max_length=40, primary_key=True)
    name = models.CharField(_("name"), max_length=80)

    class Meta:
        verbose_name = _("skill")
        verbose_name_plural = _("skills")

    def __str__(self) -> str:
        return self.name


class ApiKey(models.Model):
    """An API key of a client: shown once, stored as a hash, identified by its prefix."""

    client = models.ForeignKey(
        Client, models.CASCADE, related_name="api_keys", verbose_name=_("client")
    )
    name = models.CharField(_("name"), max_length=80)
    prefix = models.CharField(_("prefix"), max_length=16, unique=True)
    hash = models.CharField(max_length=64, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)

    class Meta:
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")

    def __str__(self) -> str:
        return f"{self.prefix}…"


class IdempotencyKey(models.Model):
    """The response stored for an idempotency key, so that a retry gets the same."""

    client = models.ForeignKey(Client, models.CASCADE, related_name="+", db_index=False)
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField()
    body = models.JSONField()
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        verbose_name = _("idempotency key")
        verbose_name_plural = _("idempotency keys")
        constraints = [
            models.UniqueConstraint(fields=["client", "key"], name="one_answer_per_key"),
        ]

    def __str__(self) -> str:
        return self.key
