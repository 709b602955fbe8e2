"""Idempotency keys (IETF draft-ietf-httpapi-idempotency-key-header-07).

Missing: 400. Another payload: 422. Still running: 409. Otherwise the first answer again. The key is
written in the same transaction as its effect, so neither exists without the other.
"""

import hashlib
import json
from collections.abc import Callable
from typing import Any, NamedTuple

from django.db import connection, transaction
from psycopg.types.json import Jsonb

from tickets.errors import KeyBusy, KeyMissing, KeyReused
from tickets.models import Client

# Plain statements: every escalation needs them. The lock comes first and in a statement of its own,
# so that the next one sees what the one before has committed.
KNOWN = """
SELECT fingerprint, status, body FROM tickets_idempotencykey WHERE client_id = %s AND key = %s
"""
KEEP = """
INSERT INTO tickets_idempotencykey (client_id, key, fingerprint, status, body, created_at)
VALUES (%s, %s, %s, %s, %s, clock_timestamp())
"""


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
    if known := _known(client, key):
        return _replay(*known, fingerprint=fingerprint)
    status, body = run()
    _keep(client, key, fingerprint, status, body)
    return Outcome(status, body)


def _replay(was: str, status: int, body: str, *, fingerprint: str) -> Outcome:
    if was != fingerprint:
        raise KeyReused
    return Outcome(status, json.loads(body), replayed=True)


def _known(client: Client, key: str) -> tuple[str, int, str] | None:
    with connection.cursor() as cursor:
        cursor.execute(KNOWN, [client.pk, key])
        found: tuple[str, int, str] | None = cursor.fetchone()
    return found


def _keep(client: Client, key: str, fingerprint: str, status: int, body: dict[str, Any]) -> None:
    values: list[Any] = [client.pk, key, fingerprint, status, Jsonb(body)]
    with connection.cursor() as cursor:
        cursor.execute(KEEP, values)


def _hold(name: str) -> bool:
    """A lock on the key until the transaction ends; False when somebody has it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [name])
        row = cursor.fetchone()
    return bool(row[0])
