"""HTTP calls to addresses chosen by clients, guarded against SSRF.

Only public addresses are called. A host is resolved once, and redirects are not followed.
"""

import ipaddress
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

import urllib3
from django.conf import settings

from tickets.errors import UnsafeUrl

TIMEOUT = urllib3.Timeout(connect=5, read=15)
#: IPv6 ranges that embed an IPv4 address, which may be private: IPv4-compatible, Teredo, 6to4.
TUNNELS = [ipaddress.ip_network(net) for net in ("::/96", "2001::/32", "2002::/16")]
#: The prefix under which an IPv6-only network reaches IPv4 addresses (RFC 6052).
NAT64 = ipaddress.ip_network("64:ff9b::/96")


@dataclass(frozen=True)
class DeliveryAnswer:
    """The answer of an endpoint: its status, or the error that prevented one."""

    status: int | None = None
    error: str = ""

    @property
    def ok(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


def check_url(url: str) -> str:
    """Return the IP address to connect to. Raises UnsafeUrl unless it is https to a public host.

    WEBHOOK_ALLOW_PRIVATE lifts both rules on a developer's machine.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        raise UnsafeUrl from None
    private_allowed = settings.WEBHOOK_ALLOW_PRIVATE
    schemes = {"http", "https"} if private_allowed else {"https"}
    if parts.scheme not in schemes or not parts.hostname or "@" in parts.netloc:
        raise UnsafeUrl
    addresses = _resolve(parts.hostname, port)
    if not private_allowed and not all(map(_is_public, addresses)):
        raise UnsafeUrl
    return addresses[0]


def post(url: str, body: bytes, headers: dict[str, str]) -> DeliveryAnswer:
    """POST once, to the very IP address that was checked."""
    try:
        address = check_url(url)
        return _send(url, address, body, headers)
    except UnsafeUrl as refused:
        return DeliveryAnswer(error=str(refused))
    except (urllib3.exceptions.HTTPError, ValueError) as broken:
        return DeliveryAnswer(error=type(broken).__name__)


def _send(url: str, address: str, body: bytes, headers: dict[str, str]) -> DeliveryAnswer:
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
    return DeliveryAnswer(status=answer.status)


def _pool(scheme: str, address: str, port: int | None, host: str) -> urllib3.HTTPConnectionPool:
    if scheme == "http":
        return urllib3.HTTPConnectionPool(address, port or 80)
    return urllib3.HTTPSConnectionPool(
        address, port or 443, server_hostname=host, assert_hostname=host
    )


def _is_public(address: str) -> bool:
    found = ipaddress.ip_address(address)
    if found in NAT64:
        found = ipaddress.IPv4Address(int(found) & 0xFFFF_FFFF)
    tunnelled = any(found in net for net in TUNNELS)
    return found.is_global and not found.is_multicast and not tunnelled


def _resolve(host: str, port: int) -> list[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise UnsafeUrl("This webhook address can't be found.") from None
    return [str(entry[4][0]) for entry in found]
