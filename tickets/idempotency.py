"""Idempotency keys (IETF draft-ietf-httpapi-idempotency-key-header-07).

Missing: 400. Another payload: 422. Still running: 409. Otherwise the first answer again. The key is
written in the same transaction as its effect, so neither exists without the other.
"""

import hashlib
import json
from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple

import orjson
from django.db import connection, transaction

from tickets.errors import KeyBusy, KeyMissing, KeyReused
from tickets.models import Client

# Plain statements: every escalation needs them.
HOLD = """
SELECT held, at, coalesce(fingerprint, ''), coalesce(status, 0), coalesce(body, '{}')
FROM tickets_hold_key(%s, %s)
"""
KEEP = """
INSERT INTO tickets_idempotencykey (client_id, key, fingerprint, status, body, created_at)
VALUES (%s, %s, %s, %s, %s::jsonb, %s)
"""
#: What is to be done, told the moment the key was held; answers a status and a body.
Run = Callable[[datetime], tuple[int, dict[str, Any]]]


class Outcome(NamedTuple):
    """An answer, and whether it had been given before."""

    status: int
    body: dict[str, Any]
    replayed: bool = False


class Hold(NamedTuple):
    """A key, locked until the transaction ends unless somebody else has it.

    The last three are empty unless it was answered before.
    """

    held: bool
    at: datetime
    fingerprint: str
    status: int
    body: str


@transaction.atomic
def once(client: Client, *, key: str, payload: bytes, run: Run) -> Outcome:
    """Run, or answer as before. Raises KeyMissing, KeyReused, KeyBusy."""
    key = read_key(key)
    hold = _hold(client, key)
    if not hold.held:
        raise KeyBusy
    fingerprint = hashlib.sha256(payload).hexdigest()
    if hold.fingerprint:
        return _replay(hold, fingerprint)
    status, body = run(hold.at)
    _keep(client, key, fingerprint, status, body, at=hold.at)
    return Outcome(status, body)


def read_key(given: str) -> str:
    """The key in a header, quoted or bare. Raises KeyMissing."""
    key = given.strip().strip('"')
    if not key or len(key) > 255 or "\x00" in key:
        raise KeyMissing
    return key


def _hold(client: Client, key: str) -> Hold:
    with connection.cursor() as cursor:
        cursor.execute(HOLD, [client.pk, key])
        return Hold(*cursor.fetchone())


def _replay(hold: Hold, fingerprint: str) -> Outcome:
    if hold.fingerprint != fingerprint:
        raise KeyReused
    return Outcome(hold.status, json.loads(hold.body), replayed=True)


def _keep(
    client: Client, key: str, fingerprint: str, status: int, body: dict[str, Any], *, at: datetime
) -> None:
    values: list[Any] = [client.pk, key, fingerprint, status, orjson.dumps(body).decode(), at]
    with connection.cursor() as cursor:
        cursor.execute(KEEP, values)
