"""A chatbot, as the API knows it: it escalates, speaks for its customers, and asks how things are.

Everything with a key or an id of its own, so that in doubt it can be sent again.
"""

import json
from typing import Any
from uuid import UUID

from dispatch.loadtest.history import History
from dispatch.loadtest.http import HttpClient, Reply

API = "/api/v1"


class BotActor:
    def __init__(self, wire: HttpClient) -> None:
        """`wire`: its headers carry the client's key."""
        self.wire = wire

    async def escalate(self, book: History, body: dict[str, Any], *, key: UUID) -> str | None:
        """The ticket; None when the answer was no, or never clear."""
        about = {"key": str(key), "ref": body["conversation_ref"]}
        answer = await self.wire.insist(
            book,
            "escalation",
            "POST",
            f"{API}/escalations",
            about=about,
            json=body,
            headers={"Idempotency-Key": str(key)},
        )
        if answer.good:
            ticket = str(json.loads(answer.text)["ticket"])
            replayed = "idempotent-replayed" in answer.headers
            book.note("escalation", "acked", ticket=ticket, replayed=replayed, **about)
            return ticket
        _refused(book, "escalation", answer, **about)
        return None

    async def say(self, book: History, ticket: str, *, number: str, text: str) -> int | None:
        """The number the customer's words got in the conversation; None when it was over."""
        about = {"ticket": ticket, "id": number, "text": text, "from": "customer"}
        body = {"client_message_id": number, "text": text}
        answer = await self.wire.insist(
            book, "message", "POST", f"{API}/tickets/{ticket}/messages", about=about, json=body
        )
        if answer.good:
            seq = int(json.loads(answer.text)["seq"])
            book.note("message", "acked", seq=seq, **about)
            return seq
        _refused(book, "message", answer, **about)
        return None

    async def cancel(self, book: History, ticket: str) -> str | None:
        """How the ticket ended; it may have ended before."""
        path = f"{API}/tickets/{ticket}/cancel"
        about = {"ticket": ticket}
        answer = await self.wire.insist(book, "cancel", "POST", path, about=about, json={})
        return self._status(book, "cancel", answer, ticket)

    async def review(self, book: History, ticket: str, *, score: int) -> None:
        path, about = f"{API}/tickets/{ticket}/review", {"ticket": ticket, "score": score}
        body = {"solved": score > 2, "score": score}
        answer = await self.wire.insist(book, "review", "POST", path, about=about, json=body)
        if answer.good:
            book.note("review", "acked", **about)
        else:
            _refused(book, "review", answer, **about)

    async def look(self, book: History, ticket: str) -> str | None:
        """How the ticket is now, as somebody asks who has heard nothing for a while."""
        answer = await self.wire.ask("GET", f"{API}/tickets/{ticket}")
        if answer.doubtful:
            return None
        return self._status(book, "ticket", answer, ticket, how="seen")

    async def read(self, book: History, ticket: str) -> None:
        """All that was said, noted for whoever compares it with what was acknowledged."""
        answer = await self.wire.ask("GET", f"{API}/tickets/{ticket}/messages?after=0")
        if answer.good:
            said = json.loads(answer.text)["messages"]
            words = [[one["seq"], one["from"], one["client_message_id"]] for one in said]
            book.note("conversation", "seen", ticket=ticket, words=words)

    def _status(
        self, book: History, act: str, answer: Reply, ticket: str, *, how: str = "acked"
    ) -> str | None:
        if not answer.good:
            _refused(book, act, answer, ticket=ticket)
            return None
        state = json.loads(answer.text)
        book.note(act, how, ticket=ticket, status=state["status"], version=state["version"])
        return str(state["status"])


def _refused(book: History, act: str, answer: Reply, **about: Any) -> None:
    """The answer is no; or there never was a clear one."""
    how = "unclear" if answer.doubtful else "refused"
    book.note(act, how, status=answer.status, said=answer.text[:200], **about)
