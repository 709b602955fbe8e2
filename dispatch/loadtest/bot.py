"""A chatbot, as the API knows it: it escalates, speaks for its customers, and asks how things are.

Each request carries a key or an id, so that it can be sent again when its answer is unclear.
"""

import json
from typing import Any
from uuid import UUID

from dispatch.loadtest.history import History
from dispatch.loadtest.http import HttpClient, Reply

API = "/api/v1"


class BotActor:
    def __init__(self, http: HttpClient) -> None:
        """`http`: its headers carry the client's key."""
        self.http = http

    async def escalate(self, history: History, body: dict[str, Any], *, key: UUID) -> str | None:
        """Returns the ticket, or None when the answer was no or never clear."""
        about = {"key": str(key), "ref": body["conversation_ref"]}
        answer = await self.http.request_until_clear(
            history,
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
            history.note("escalation", "acked", ticket=ticket, replayed=replayed, **about)
            return ticket
        _refused(history, "escalation", answer, **about)
        return None

    async def say(self, history: History, ticket: str, *, number: str, text: str) -> int | None:
        """The number the customer's words got in the conversation; None when it was over."""
        about = {"ticket": ticket, "id": number, "text": text, "from": "customer"}
        body = {"client_message_id": number, "text": text}
        answer = await self.http.request_until_clear(
            history, "message", "POST", f"{API}/tickets/{ticket}/messages", about=about, json=body
        )
        if answer.good:
            seq = int(json.loads(answer.text)["seq"])
            history.note("message", "acked", seq=seq, **about)
            return seq
        _refused(history, "message", answer, **about)
        return None

    async def cancel(self, history: History, ticket: str) -> str | None:
        """How the ticket ended; it may have ended before."""
        path = f"{API}/tickets/{ticket}/cancel"
        about = {"ticket": ticket}
        answer = await self.http.request_until_clear(
            history, "cancel", "POST", path, about=about, json={}
        )
        return self._status(history, "cancel", answer, ticket)

    async def review(self, history: History, ticket: str, *, score: int) -> None:
        path, about = f"{API}/tickets/{ticket}/review", {"ticket": ticket, "score": score}
        body = {"solved": score > 2, "score": score}
        answer = await self.http.request_until_clear(
            history, "review", "POST", path, about=about, json=body
        )
        if answer.good:
            history.note("review", "acked", **about)
        else:
            _refused(history, "review", answer, **about)

    async def get_status(self, history: History, ticket: str) -> str | None:
        """Returns the ticket's status, as a bot asks for it that got no webhook for a while."""
        answer = await self.http.ask("GET", f"{API}/tickets/{ticket}")
        if answer.is_unclear:
            return None
        return self._status(history, "ticket", answer, ticket, how="seen")

    async def read_messages(self, history: History, ticket: str) -> None:
        """Note the whole transcript, to be compared with the acknowledged messages."""
        answer = await self.http.ask("GET", f"{API}/tickets/{ticket}/messages?after=0")
        if answer.good:
            said = json.loads(answer.text)["messages"]
            words = [[one["seq"], one["from"], one["client_message_id"]] for one in said]
            history.note("conversation", "seen", ticket=ticket, words=words)

    def _status(
        self, history: History, act: str, answer: Reply, ticket: str, *, how: str = "acked"
    ) -> str | None:
        if not answer.good:
            _refused(history, act, answer, ticket=ticket)
            return None
        state = json.loads(answer.text)
        history.note(act, how, ticket=ticket, status=state["status"], version=state["version"])
        return str(state["status"])


def _refused(history: History, act: str, answer: Reply, **about: Any) -> None:
    """The answer is no; or there never was a clear one."""
    how = "unclear" if answer.is_unclear else "refused"
    history.note(act, how, status=answer.status, said=answer.text[:200], **about)
