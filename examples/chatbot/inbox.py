"""News of Relève about tickets, by webhook or API. It may come late, twice or out of order."""

from typing import Any

import bot
from conversation import Conversation, Message
from talk import Talk

KIND_OF_STATUS = {
    "active": "ticket.answered",
    "queued": "ticket.requeued",
    "resolved": "ticket.resolved",
    "handed_back": "ticket.handed_back",
    "unavailable": "ticket.unavailable",
    "abandoned": "ticket.abandoned",
}


class Inbox:
    def __init__(self, talk: Talk) -> None:
        self._talk = talk
        self._store = talk.store

    def apply_webhook(self, webhook_id: str, kind: str, facts: dict[str, Any]) -> None:
        """Apply a webhook once. Its id and its effect are stored in the same transaction."""
        with self._store.transaction():
            if not self._store.record_webhook(webhook_id):
                return
            ref, ticket = str(facts.get("conversation_ref")), str(facts.get("ticket"))
            if self._store.find(ref) is None or self._store.has_departed(ticket):
                return
            with self._talk.changing(ref) as conversation:
                self._adopt_if_ours(conversation, ticket)
                if kind == "message.created":
                    self._add_agent_message(
                        conversation, ticket, facts["message"], facts["version"]
                    )
                elif ticket == conversation.ticket and facts["version"] > conversation.version:
                    self._apply(conversation, kind, facts)
            if conversation.gone:
                self._talk.leave(ref)

    def apply_status(self, ref: str, answer: dict[str, Any]) -> None:
        """Apply the answer of GET /tickets/{id}."""
        with self._talk.changing(ref) as conversation:
            conversation.behind = False
            if answer["ticket"] != conversation.ticket or not conversation.is_with_people:
                return
            if answer["version"] > conversation.version:
                self._apply(conversation, KIND_OF_STATUS[answer["status"]], _to_facts(answer))
            if answer["status"] == "queued" and answer["version"] == conversation.version:
                conversation.position = answer["position"]
                conversation.wait_s = answer["expected_wait_s"]

    def apply_unreadable(self, ref: str, *, lost: bool) -> None:
        """Relève refused to show the ticket; `lost` means that it no longer knows the ticket."""
        with self._talk.changing(ref) as conversation:
            conversation.behind = False
            if lost and conversation.is_with_people:
                self._talk.close(conversation, "unavailable")

    def apply_messages(self, ref: str, ticket: str, said: list[dict[str, Any]]) -> None:
        """Apply the answer of GET /tickets/{id}/messages: the agent's messages that webhooks
        missed."""
        with self._talk.changing(ref) as conversation:
            for message in said:
                if message["from"] == "agent":
                    self._add_agent_message(conversation, ticket, message, conversation.version)

    def _adopt_if_ours(self, conversation: Conversation, ticket: str) -> None:
        """Link the ticket to its conversation, because a webhook may arrive before the API's
        answer."""
        if conversation.key and not self._store.has_messages_of(conversation.ref, ticket):
            self._talk.link_ticket(conversation, ticket)

    def _add_agent_message(
        self, conversation: Conversation, ticket: str, message: dict[str, Any], version: int
    ) -> None:
        early = conversation.state == "waiting" and version > conversation.version
        conversation.behind |= early
        self._store.add(
            conversation.ref,
            id=str(message["id"]),
            sender="agent",
            author="" if early else conversation.agent or "",
            text=str(message["text"]),
            at=str(message["at"]),
            ticket=ticket,
            seq=int(message["seq"]),
        )

    def _apply(self, conversation: Conversation, kind: str, facts: dict[str, Any]) -> None:
        conversation.version = facts["version"]
        if kind == "ticket.answered":
            self._apply_answered(conversation, str((facts.get("agent") or {}).get("name") or ""))
        elif kind == "ticket.requeued":
            self._apply_requeued(conversation)
        elif kind == "ticket.resolved":
            self._talk.close(conversation, "resolved")
            conversation.topic, conversation.note, conversation.tried = None, None, []
        elif kind == "ticket.handed_back":
            self._apply_handback(conversation, facts)
        elif kind == "ticket.unavailable":
            self._talk.close(conversation, "unavailable")
        elif kind == "ticket.abandoned":
            self._talk.close(conversation, "closed_elsewhere")

    def _apply_answered(self, conversation: Conversation, name: str) -> None:
        if conversation.state == "talking" and conversation.agent == name:
            return
        conversation.state, conversation.agent, conversation.choices = "talking", name, []
        early = self._list_unnamed(conversation)
        self._talk.add_notice(conversation, "answered", before=early[0] if early else None)
        for message in early:
            self._store.change_message(conversation.ref, message.id, author=name)

    def _apply_requeued(self, conversation: Conversation) -> None:
        if conversation.state != "talking":
            return
        conversation.state, conversation.behind = "waiting", True
        conversation.position = conversation.wait_s = None
        self._talk.add_notice(conversation, "requeued")

    def _apply_handback(self, conversation: Conversation, facts: dict[str, Any]) -> None:
        """The bot continues with the agent's note in mind. The note is not for the customer."""
        if conversation.agent is None or facts.get("reason") == "no_agent":
            self._talk.close(conversation, "unavailable")
            return
        conversation.note = str(facts.get("note") or "") or None
        self._talk.close(conversation, "handed_back" if conversation.note else "handed_back_plain")
        if topic := bot.recognise(conversation.note or ""):
            conversation.topic, conversation.choices = topic.code, list(bot.AFTER_ANSWER)
            self._talk.speak(conversation, topic.words_key)

    def _list_unnamed(self, conversation: Conversation) -> list[Message]:
        """The agent's messages that arrived before their name."""
        return [
            message
            for message in self._store.list_messages(conversation.ref)
            if message.sender == "agent"
            and message.ticket == conversation.ticket
            and not message.author
        ]


def _to_facts(answer: dict[str, Any]) -> dict[str, Any]:
    """Convert the API's answer to the shape of a webhook."""
    return {**answer, **(answer.get("handback") or {})}
