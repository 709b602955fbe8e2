"""Requests and how their answers are read: the product's contract, and its rival's."""

import json
import socket
import uuid
from typing import Any

LANGUAGES = ("en", "fr", "sv", "de")
SUMMARY = "Card ordered two weeks ago, tracking says delivered."
SAID = [{"role": "customer", "at": "2026-11-22T10:00:00Z", "text": "I want a human"}] * 6


def escalation(api_key: str) -> bytes:
    headers = (f"Authorization: Bearer {api_key}", f"Idempotency-Key: {key()}")
    return post("/api/v1/escalations", handover(), *headers)


def ticket(body: bytes) -> str:
    return str(json.loads(body)["ticket"])


def rival_ticket() -> bytes:
    number = uuid.uuid4()
    body = {
        "conversation_ref": str(number),
        "customer_name": "Mia K.",
        "language": LANGUAGES[number.int % len(LANGUAGES)],
        "topic": "card-not-arrived",
        "summary": SUMMARY,
    }
    return post("/tickets/", body)


def rival_reference(body: bytes) -> str:
    return str(json.loads(body)["id"])


def rival_offered(frame: bytes) -> str:
    return str(json.loads(frame)["ticket"])


def handover() -> dict[str, Any]:
    """What a bot hands over, of a conversation of its own."""
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


def key() -> str:
    return str(uuid.uuid4())


def post(path: str, body: dict[str, Any], *headers: str) -> bytes:
    written = json.dumps(body).encode()
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: 127.0.0.1",
        "Content-Type: application/json",
        f"Content-Length: {len(written)}",
        *headers,
    ]
    return "\r\n".join([*lines, "", ""]).encode() + written


def get(port: int) -> None:
    """Whether a server listens there. Raises OSError while it doesn't."""
    socket.create_connection(("127.0.0.1", port), timeout=3).close()
