"""API keys: random, shown once, kept as a hash. SHA-256 is enough for 256 random bits."""

import hashlib
import re
import secrets
from datetime import datetime
from hmac import compare_digest
from typing import cast

from django.core.cache import cache
from django.utils.translation import gettext_lazy as _
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request
from structlog.contextvars import bind_contextvars

from tickets.models import ApiKey, Client

SCHEME = "Bearer"
SHAPE = re.compile(r"(rk_[0-9a-f]{8})_[\w-]{43}", re.ASCII)
#: Each process caches a key and its client for this many seconds.
CACHED_SECONDS = 5


def issue(client: Client, *, name: str) -> str:
    """Create an API key for this client. The key can be read only from the return value."""
    prefix = f"rk_{secrets.token_hex(4)}"
    key = f"{prefix}_{secrets.token_urlsafe(32)}"
    ApiKey.objects.create(client=client, name=name, prefix=prefix, hash=_hash(key))
    return key


def revoke(key: ApiKey, *, at: datetime) -> None:
    """Refuse this key from now on.

    Other processes may accept it for `CACHED_SECONDS` more, because they cache keys.
    """
    ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=at)
    cache.delete(f"key:{key.prefix}")


class ApiKeyAuthentication(BaseAuthentication):
    """`Authorization: Bearer rk_...`: the user of the request is the client."""

    def authenticate(self, request: Request) -> tuple[Client, ApiKey] | None:
        scheme, _space, token = get_authorization_header(request).decode("latin-1").partition(" ")
        if scheme.lower() != SCHEME.lower():
            return None
        key = _find(token.strip())
        if key is None:
            raise AuthenticationFailed(_("This API key is unknown or was revoked."))
        bind_contextvars(client=key.client.slug)
        return key.client, key

    def authenticate_header(self, request: Request) -> str:
        return SCHEME


def _find(token: str) -> ApiKey | None:
    shaped = SHAPE.fullmatch(token)
    key = _read_unrevoked(shaped[1]) if shaped else None
    return key if key and compare_digest(key.hash, _hash(token)) else None


def _read_unrevoked(prefix: str) -> ApiKey | None:
    """Return the key with this prefix, with its client, unless it was revoked."""
    name = f"key:{prefix}"
    if not (key := cache.get(name)):
        good = ApiKey.objects.filter(prefix=prefix, revoked_at=None)
        if key := good.select_related("client").first():
            cache.set(name, key, timeout=CACHED_SECONDS)
    return cast(ApiKey | None, key)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("latin-1", "replace")).hexdigest()
