"""Idempotency keys (IETF draft-ietf-httpapi-idempotency-key-header-07).

Missing: 400. Another payload: 422. Still running: 409. Otherwise the first answer again. The key is
written in the same transaction as its effect, so neither exists without the other.
"""

import hashlib
import json
from typing import Any, NamedTuple

from tickets.errors import KeyMissing, KeyReused


class Kept(NamedTuple):
    """The answer a key was given, its body as JSON, and the fingerprint of what was asked."""

    fingerprint: str
    status: int
    body: str


class IdempotentResponse(NamedTuple):
    """An answer, and whether it had been given before."""

    status: int
    body: dict[str, Any]
    replayed: bool = False


def read_key(given: str) -> str:
    """The key in a header, quoted or bare. Raises KeyMissing."""
    key = given.strip().strip('"')
    if not key or len(key) > 255 or "\x00" in key:
        raise KeyMissing
    return key


def fingerprint(payload: bytes) -> str:
    """All that is kept of a payload: enough to tell another one from it."""
    return hashlib.sha256(payload).hexdigest()


def replay(kept: Kept, *, payload: bytes) -> IdempotentResponse:
    """The answer the key was given. Raises KeyReused when it was given to another payload."""
    if kept.fingerprint != fingerprint(payload):
        raise KeyReused
    return IdempotentResponse(kept.status, json.loads(kept.body), replayed=True)
