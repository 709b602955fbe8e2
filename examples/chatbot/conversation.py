"""A conversation of a visitor with the bot or, through a ticket at Relève, with a person."""

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime

LAST_SEQ = 2**53  # the number of a closing notice, higher than that of any message of the agent


@dataclass
class Conversation:
    ref: str
    visitor: str
    name: str
    language: str
    state: str = "bot"  # or waiting, or talking
    ticket: str | None = None
    version: int = 0
    agent: str | None = None
    position: int | None = None
    wait_s: int | None = None
    key: str | None = None  # the Idempotency-Key of the running escalation, and its fixed body
    body: str | None = None
    trouble: bool = False  # the escalation failed; the customer decides about another try
    behind: bool = False  # Relève knows something about the ticket that we have not read yet
    gone: bool = False  # the customer started another conversation during the escalation
    misses: int = 0
    topic: str | None = None
    note: str | None = None
    tried: list[str] = field(default_factory=list)
    choices: list[str] = field(default_factory=list)

    @property
    def customer_ref(self) -> str:
        """An id of the visitor for Relève, which does not reveal their cookie."""
        return "u-" + hashlib.sha256(self.visitor.encode()).hexdigest()[:16]

    @property
    def is_with_people(self) -> bool:
        return self.state != "bot"

    @property
    def is_asking(self) -> bool:
        return bool(self.key) and not self.trouble


@dataclass(frozen=True)
class Message:
    id: str
    rev: int
    place: float
    sender: str  # bot, customer, agent or notice
    author: str
    text: str
    at: str
    ticket: str | None
    seq: int | None
    delivery: str  # state at Relève: held, pending, retrying, sent, late, refused; empty: not sent


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
