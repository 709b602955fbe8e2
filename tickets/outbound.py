"""Calls to addresses that clients chose: public ones only, resolved once, never redirected."""

import ipaddress
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

import urllib3
from django.conf import settings

from tickets.errors import UnsafeUrl

TIMEOUT = urllib3.Timeout(connect=5, read=15)


@dataclass(frozen=True)
class Answer:
    """What an endpoint said: a status, or why there was none."""

    status: int | None = None
    error: str = ""

    @property
    def ok(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


def check_url(url: str) -> str:
    """The address to connect to. Raises UnsafeUrl unless it is https to a public host.

    WEBHOOK_ALLOW_PRIVATE lifts both rules, for a developer's own machine.
    """
    parts = urlsplit(url)
    private_allowed = settings.WEBHOOK_ALLOW_PRIVATE
    schemes = {"http", "https"} if private_allowed else {"https"}
    if parts.scheme not in schemes or not parts.hostname or parts.username or parts.password:
        raise UnsafeUrl
    addresses = _resolve(parts.hostname, parts.port or (443 if parts.scheme == "https" else 80))
    if not private_allowed and not all(
        ipaddress.ip_address(found).is_global for found in addresses
    ):
        raise UnsafeUrl
    return addresses[0]


def post(url: str, body: bytes, headers: dict[str, str]) -> Answer:
    """POST once. The address that was checked is the one connected to."""
    try:
        address = check_url(url)
        return _send(url, address, body, headers)
    except UnsafeUrl as refused:
        return Answer(error=str(refused))
    except urllib3.exceptions.HTTPError as broken:
        return Answer(error=type(broken).__name__)


def _send(url: str, address: str, body: bytes, headers: dict[str, str]) -> Answer:
    parts = urlsplit(url)
    host = parts.hostname or ""
    path = parts.path or "/"
    target = f"{path}?{parts.query}" if parts.query else path
    with _pool(parts.scheme, address, parts.port, host) as pool:
        answer = pool.urlopen(
            "POST",
            target,
            body=body,
            headers={**headers, "host": parts.netloc},
            timeout=TIMEOUT,
            retries=False,
            redirect=False,
            preload_content=False,
        )
        answer.close()
    return Answer(status=answer.status)


def _pool(scheme: str, address: str, port: int | None, host: str) -> urllib3.HTTPConnectionPool:
    if scheme == "http":
        return urllib3.HTTPConnectionPool(address, port or 80)
    return urllib3.HTTPSConnectionPool(
        address, port or 443, server_hostname=host, assert_hostname=host
    )


def _resolve(host: str, port: int) -> list[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise UnsafeUrl("This webhook address can't be found.") from None
    return [str(entry[4][0]) for entry in found]
