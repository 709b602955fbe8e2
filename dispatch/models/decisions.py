"""Decisions: the input and the pairs of each wave, so that it can be replayed and explained."""

import zlib
from typing import Any

import orjson
from django.db import models
from django.utils.translation import gettext_lazy as _
from uuid_utils.compat import uuid7

from dispatch.models.policies import PolicyVersion


class Decision(models.Model):
    """One wave: its time, its policy, the rows it read, and the pairs it chose."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    policy = models.ForeignKey(
        PolicyVersion, models.PROTECT, related_name="decisions", verbose_name=_("policy")
    )
    at = models.DateTimeField(_("at"), db_index=True)
    #: The tickets and agents that the wave read, as compressed JSON. See `dispatch.waves.snapshot`.
    seen = models.BinaryField()
    #: [[ticket, agent], …], as chosen. A pair got no offer if the agent had no capacity left.
    pairs = models.JSONField(_("pairs"))

    class Meta:
        verbose_name = _("decision")
        verbose_name_plural = _("decisions")

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} · {str(self.pk)[-6:]}"

    @staticmethod
    def pack(seen: bytes) -> bytes:
        """Compress the JSON for storage."""
        return zlib.compress(seen, level=1)

    def decompress(self) -> bytes:
        """Decompress the JSON, unparsed."""
        return zlib.decompress(bytes(self.seen))

    def read(self) -> Any:
        """Parse the tickets and agents that the wave read."""
        return orjson.loads(self.decompress())
