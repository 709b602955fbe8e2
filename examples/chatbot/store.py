"""Conversations in a small SQLite file, which survives a crash of the program.

Everything runs on one thread without waiting for the network, so no reader sees a `together` block
half done.
"""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from conversation import Conversation, Message, now

SCHEMA = """
CREATE TABLE IF NOT EXISTS conversation (
    number INTEGER PRIMARY KEY, ref TEXT NOT NULL UNIQUE, visitor TEXT NOT NULL,
    busy INTEGER NOT NULL DEFAULT 0, doc TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS conversation_visitor ON conversation (visitor, number);
CREATE INDEX IF NOT EXISTS conversation_busy ON conversation (busy) WHERE busy;
CREATE TABLE IF NOT EXISTS message (
    conversation TEXT NOT NULL, id TEXT NOT NULL, rev INTEGER NOT NULL, place REAL NOT NULL,
    sender TEXT NOT NULL, author TEXT NOT NULL, text TEXT NOT NULL, at TEXT NOT NULL,
    ticket TEXT, seq INTEGER, delivery TEXT NOT NULL, PRIMARY KEY (conversation, id));
CREATE INDEX IF NOT EXISTS message_rev ON message (rev);
CREATE INDEX IF NOT EXISTS message_unsent ON message (delivery)
    WHERE delivery IN ('pending', 'retrying');
CREATE TABLE IF NOT EXISTS webhook (id TEXT PRIMARY KEY, at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS departure (
    ticket TEXT PRIMARY KEY, conversation TEXT NOT NULL, told INTEGER NOT NULL DEFAULT 0);
"""
NEXT_REV = "(SELECT coalesce(max(rev), 0) + 1 FROM message)"
COLUMNS = "id, rev, place, sender, author, text, at, ticket, seq, delivery"
UNSENT = "delivery IN ('pending', 'retrying')"


class Store:
    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._db = sqlite3.connect(folder / "chatbot.sqlite3", isolation_level=None)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.executescript(SCHEMA)
        self._db.execute("DELETE FROM webhook WHERE at < datetime('now', '-7 days')")

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Run the block in a transaction."""
        if self._db.in_transaction:
            yield
            return
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    # Conversations

    def begin(self, conversation: Conversation) -> None:
        row = (conversation.ref, conversation.visitor, json.dumps(asdict(conversation)))
        self._db.execute("INSERT INTO conversation (ref, visitor, doc) VALUES (?, ?, ?)", row)

    def save(self, conversation: Conversation) -> None:
        busy = conversation.is_with_people or conversation.is_asking or conversation.behind
        row = (busy, json.dumps(asdict(conversation)), conversation.ref)
        self._db.execute("UPDATE conversation SET busy = ?, doc = ? WHERE ref = ?", row)

    def find(self, ref: str) -> Conversation | None:
        return self._find_one("SELECT doc FROM conversation WHERE ref = ?", ref)

    def get(self, ref: str) -> Conversation:
        conversation = self.find(ref)
        if conversation is None:
            raise LookupError(ref)
        return conversation

    def find_current(self, visitor: str) -> Conversation | None:
        """The visitor's newest conversation."""
        return self._find_one(
            "SELECT doc FROM conversation WHERE visitor = ? ORDER BY number DESC LIMIT 1", visitor
        )

    def list_busy(self) -> list[Conversation]:
        """Conversations that wait for a person, talk with one or ask for one."""
        rows = self._db.execute("SELECT doc FROM conversation WHERE busy")
        return [Conversation(**json.loads(doc)) for (doc,) in rows]

    def list_unfinished(self) -> list[str]:
        """Conversations with something that Relève does not know yet."""
        rows = self._db.execute(
            f"SELECT conversation FROM message WHERE {UNSENT}"
            " UNION SELECT conversation FROM departure WHERE told = 0"
            " UNION SELECT ref FROM conversation WHERE busy"
        )
        return [ref for (ref,) in rows]

    def _find_one(self, query: str, given: str) -> Conversation | None:
        row = self._db.execute(query, (given,)).fetchone()
        return Conversation(**json.loads(row[0])) if row else None

    # Messages

    def add(
        self,
        ref: str,
        *,
        id: str,
        sender: str,
        text: str,
        author: str = "",
        at: str | None = None,
        ticket: str | None = None,
        seq: int | None = None,
        delivery: str = "",
        before: Message | None = None,
    ) -> bool:
        """Insert a message at the place of its number, or last. Returns False if it exists
        already."""
        place = self._compute_place(ref, ticket, seq, before.place if before else None)
        row = (ref, id, place, sender, author, text, at or now(), ticket, seq, delivery)
        added = self._db.execute(
            "INSERT OR IGNORE INTO message (conversation, id, place, sender, author, text, at,"
            f" ticket, seq, delivery, rev) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, {NEXT_REV})",
            row,
        )
        return added.rowcount == 1

    def _compute_place(
        self, ref: str, ticket: str | None, seq: int | None, upper: float | None
    ) -> float:
        if upper is None and seq is not None:
            later = (
                "SELECT min(place) FROM message WHERE conversation = ? AND ticket = ? AND seq > ?"
            )
            (upper,) = self._db.execute(later, (ref, ticket, seq)).fetchone()
        below = "SELECT coalesce(max(place), 0) FROM message WHERE conversation = ?"
        if upper is None:
            return float(self._db.execute(below, (ref,)).fetchone()[0]) + 1
        lower = self._db.execute(below + " AND place < ?", (ref, upper)).fetchone()[0]
        return (float(lower) + upper) / 2

    def list_messages(self, ref: str, *, since: int = 0) -> list[Message]:
        """Messages in reading order. `since` leaves out unchanged ones."""
        query = f"SELECT {COLUMNS} FROM message WHERE conversation = ? AND rev > ? ORDER BY place"
        return [Message(*row) for row in self._db.execute(query, (ref, since))]

    def find_message(self, ref: str, id: str) -> Message | None:
        query = f"SELECT {COLUMNS} FROM message WHERE conversation = ? AND id = ?"
        row = self._db.execute(query, (ref, id)).fetchone()
        return Message(*row) if row else None

    def has_messages_of(self, ref: str, ticket: str) -> bool:
        query = "SELECT 1 FROM message WHERE conversation = ? AND ticket = ?"
        return self._db.execute(query, (ref, ticket)).fetchone() is not None

    def find_unsent(self, ref: str) -> Message | None:
        query = f"SELECT {COLUMNS} FROM message WHERE conversation = ? AND {UNSENT} ORDER BY place"
        row = self._db.execute(query, (ref,)).fetchone()
        return Message(*row) if row else None

    def change_message(self, ref: str, id: str, **columns: object) -> None:
        names = "".join(f"{name} = ?, " for name in columns)
        query = f"UPDATE message SET {names} rev = {NEXT_REV} WHERE conversation = ? AND id = ?"
        self._db.execute(query, (*columns.values(), ref, id))

    def mark_messages(self, ref: str, *, was: str, delivery: str) -> None:
        """Change the delivery state of a conversation's messages from `was` to `delivery`."""
        for message in self.list_messages(ref):
            if message.delivery == was:
                self.change_message(ref, message.id, delivery=delivery)

    # Received webhooks and departures to report

    def record_webhook(self, webhook_id: str) -> bool:
        """Returns True the first time only."""
        row = (webhook_id, now())
        return self._db.execute("INSERT OR IGNORE INTO webhook VALUES (?, ?)", row).rowcount == 1

    def record_departure(self, ref: str, ticket: str) -> None:
        row = (ticket, ref)
        self._db.execute(
            "INSERT OR IGNORE INTO departure (ticket, conversation) VALUES (?, ?)", row
        )

    def has_departed(self, ticket: str) -> bool:
        query = "SELECT 1 FROM departure WHERE ticket = ?"
        return self._db.execute(query, (ticket,)).fetchone() is not None

    def find_departure(self, ref: str) -> str | None:
        """A ticket that the customer left and that Relève does not know of yet."""
        query = "SELECT ticket FROM departure WHERE conversation = ? AND told = 0"
        row = self._db.execute(query, (ref,)).fetchone()
        return str(row[0]) if row else None

    def mark_departure_told(self, ticket: str) -> None:
        self._db.execute("UPDATE departure SET told = 1 WHERE ticket = ?", (ticket,))
