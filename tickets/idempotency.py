"""Idempotency keys (IETF draft-ietf-httpapi-idempotency-key-header-07).

A missing key is answered 400, a key used with another payload 422, a key whose request still runs
409. A retry gets the first response again. The key and its effect are written in one transaction,
so neither exists without the other.
"""

import hashlib
import json
from typing import Any, NamedTuple

from tickets.errors import KeyMissing, KeyReused


class StoredResponse(NamedTuple):
    """The response stored for a key, its body as JSON, and the fingerprint of the request."""

    fingerprint: str
    status: int
    body: str


class IdempotentResponse(NamedTuple):
    """A response, and whether it is the replay of an earlier one."""

    status: int
    body: dict[str, Any]
    replayed: bool = False


def read_key(given: str) -> str:
    """Read the key from a header, quoted or bare. Raises KeyMissing."""
    key = given.strip().strip('"')
    if not key or len(key) > 255 or "\x00" in key:
        raise KeyMissing
    return key


def fingerprint(payload: bytes) -> str:
    """Hash a payload. Only the hash is stored; it tells whether a retry sends the same payload."""
    return hashlib.sha256(payload).hexdigest()


def replay(stored: StoredResponse, *, payload: bytes) -> IdempotentResponse:
    """Return the stored response. Raises KeyReused if the payload differs."""
    if stored.fingerprint != fingerprint(payload):
        raise KeyReused
    return IdempotentResponse(stored.status, json.loads(stored.body), replayed=True)
