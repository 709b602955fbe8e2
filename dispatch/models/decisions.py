"""Decisions: what a wave saw and whom it paired, enough to run it again and to explain it."""

import zlib
from typing import Any

import orjson
from django.db import models
from django.utils.translation import gettext_lazy as _
from uuid_utils.compat import uuid7

from dispatch.models.policies import PolicyVersion


class Decision(models.Model):
    """One wave: when, under which policy, what it read, and which ticket it paired with whom."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    policy = models.ForeignKey(
        PolicyVersion, models.PROTECT, related_name="decisions", verbose_name=_("policy")
    )
    at = models.DateTimeField(_("at"), db_index=True)
    #: The tickets and agents as they were read: JSON, compressed. See `dispatch.waves.snapshot`.
    seen = models.BinaryField()
    #: [[ticket, agent], …], the pairing itself; who then had no place left got no offer.
    pairs = models.JSONField(_("pairs"))

    class Meta:
        verbose_name = _("decision")
        verbose_name_plural = _("decisions")

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} · {str(self.pk)[-6:]}"

    @staticmethod
    def packed(seen: bytes) -> bytes:
        """As it is stored."""
        return zlib.compress(seen, level=1)

    def words(self) -> bytes:
        """What was seen, as the database said it."""
        return zlib.decompress(bytes(self.seen))

    def read(self) -> Any:
        """What was seen."""
        return orjson.loads(self.words())
