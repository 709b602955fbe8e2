"""Affinity: which agents have talked to which customers, and which pairs are blocked."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from agents.models import Agent
from tickets.models import Client


class CustomerAffinity(models.Model):
    """An agent and a customer of a client who had a conversation."""

    client = models.ForeignKey(Client, models.CASCADE, related_name="+", verbose_name=_("client"))
    customer_ref = models.CharField(_("customer reference"), max_length=120)
    agent = models.ForeignKey(
        Agent, models.CASCADE, related_name="affinities", verbose_name=_("agent")
    )
    met_at = models.DateTimeField(_("met"))
    #: Since then the pair is never matched again.
    blocked_at = models.DateTimeField(_("blocked"), null=True, blank=True)

    class Meta:
        verbose_name = _("acquaintance")
        verbose_name_plural = _("acquaintances")
        constraints = [
            models.UniqueConstraint(
                fields=["client", "customer_ref", "agent"], name="they_meet_in_one_row"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.agent} · {self.client} {self.customer_ref}"
