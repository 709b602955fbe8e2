"""The requests and the parsing of responses: the product's contract and its rival's."""

import json
import socket
import uuid
from typing import Any

LANGUAGES = ("en", "fr", "sv", "de")
SUMMARY = "Card ordered two weeks ago, tracking says delivered."
SAID = [{"role": "customer", "at": "2026-11-22T10:00:00Z", "text": "I want a human"}] * 6


def make_escalation(api_key: str) -> bytes:
    headers = (f"Authorization: Bearer {api_key}", f"Idempotency-Key: {make_key()}")
    return make_post("/api/v1/escalations", make_handoff(), *headers)


def read_ticket(body: bytes) -> str:
    return str(json.loads(body)["ticket"])


def make_rival_ticket() -> bytes:
    number = uuid.uuid4()
    body = {
        "conversation_ref": str(number),
        "customer_name": "Mia K.",
        "language": LANGUAGES[number.int % len(LANGUAGES)],
        "topic": "card-not-arrived",
        "summary": SUMMARY,
    }
    return make_post("/tickets/", body)


def read_rival_reference(body: bytes) -> str:
    return str(json.loads(body)["id"])


def read_rival_offer(frame: bytes) -> str:
    return str(json.loads(frame)["ticket"])


def make_handoff() -> dict[str, Any]:
    """A bot's handoff of a new conversation."""
    number = uuid.uuid4()
    return {
        "version": 1,
        "conversation_ref": str(number),
        "customer": {"ref": "u-1", "name": "Mia K."},
        "language": LANGUAGES[number.int % len(LANGUAGES)],
        "topic": "card-not-arrived",
        "summary": SUMMARY,
        "transcript": SAID,
    }


def make_key() -> str:
    return str(uuid.uuid4())


def make_post(path: str, body: dict[str, Any], *headers: str) -> bytes:
    written = json.dumps(body).encode()
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: 127.0.0.1",
        "Content-Type: application/json",
        f"Content-Length: {len(written)}",
        *headers,
    ]
    return "\r\n".join([*lines, "", ""]).encode() + written


def check_server(port: int) -> None:
    """Check that a server listens there. Raises OSError while it doesn't."""
    socket.create_connection(("127.0.0.1", port), timeout=3).close()
