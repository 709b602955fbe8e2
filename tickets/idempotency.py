"""Idempotency keys (IETF draft-ietf-httpapi-idempotency-key-header-07).

Missing: 400. Another payload: 422. Still running: 409. Otherwise the first answer again. The key is
written in the same transaction as its effect, so neither exists without the other.
"""

import hashlib
from collections.abc import Callable
from typing import Any, NamedTuple

from django.db import connection, transaction

from tickets.errors import KeyBusy, KeyMissing, KeyReused
from tickets.models import Client, IdempotencyKey


class Outcome(NamedTuple):
    """An answer, and whether it had been given before."""

    status: int
    body: dict[str, Any]
    replayed: bool = False


@transaction.atomic
def once(
    client: Client, *, key: str, payload: bytes, run: Callable[[], tuple[int, dict[str, Any]]]
) -> Outcome:
    """Run, or answer as before. Raises KeyMissing, KeyReused, KeyBusy."""
    key = key.strip().strip('"')
    if not key or len(key) > 255 or "\x00" in key:
        raise KeyMissing
    if not _hold(f"{client.pk}:{key}"):
        raise KeyBusy
    fingerprint = hashlib.sha256(payload).hexdigest()
    known = IdempotencyKey.objects.filter(client=client, key=key).first()
    if known:
        return _replay(known, fingerprint)
    status, body = run()
    IdempotencyKey.objects.create(
        client=client, key=key, fingerprint=fingerprint, status=status, body=body
    )
    return Outcome(status, body)


def _replay(known: IdempotencyKey, fingerprint: str) -> Outcome:
    if known.fingerprint != fingerprint:
        raise KeyReused
    return Outcome(known.status, known.body, replayed=True)


def _hold(name: str) -> bool:
    """A lock on the key until the transaction ends; False when somebody has it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [name])
        row = cursor.fetchone()
    return bool(row[0])
