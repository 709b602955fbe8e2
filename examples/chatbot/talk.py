"""The verbs of a conversation. Each is a transaction, and none waits for the network.

They decide whose turn it is: the bot speaks unless a person has the conversation.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import bot
import handoff
from conversation import LAST_SEQ, Conversation, Message
from store import Store
from words import say, show_queue


class Talk:
    def __init__(self, store: Store, changed: Callable[[Conversation], None]) -> None:
        self.store = store
        self._changed = changed

    @contextmanager
    def changing(self, ref: str) -> Iterator[Conversation]:
        """Yield the conversation, save the changes and then notify the listeners."""
        with self.store.transaction():
            conversation = self.store.get(ref)
            yield conversation
            self.store.save(conversation)
        self._changed(conversation)

    def begin(self, visitor: str, *, name: str, language: str) -> Conversation:
        """Start a conversation; an earlier one of this visitor ends."""
        if before := self.store.find_current(visitor):
            self._let_go(before)
        conversation = Conversation("c-" + uuid4().hex[:20], visitor, name, language)
        conversation.choices = list(bot.SUGGESTIONS)
        with self.store.transaction():
            self.store.begin(conversation)
            self.speak(conversation, "hello", name=name)
        self._changed(conversation)
        return conversation

    def _let_go(self, before: Conversation) -> None:
        self.leave(before.ref)
        with self.changing(before.ref) as conversation:
            conversation.gone = bool(conversation.key)

    def switch_language(self, ref: str, *, language: str) -> None:
        with self.changing(ref) as conversation:
            conversation.language = language

    def add_customer_message(self, ref: str, *, id: str, text: str) -> None:
        """Store a message of the customer. A repeated id is the same message."""
        with self.changing(ref) as conversation:
            fresh = self.store.add(
                ref,
                id=id,
                sender="customer",
                author=conversation.name,
                text=text,
                ticket=conversation.ticket if conversation.is_with_people else None,
                delivery=_choose_delivery(conversation),
            )
            if fresh and conversation.state != "talking":
                self._answer(conversation, text)

    def leave(self, ref: str) -> None:
        """The customer ends the talk with the person, or the wait for one."""
        with self.changing(ref) as conversation:
            if conversation.ticket is None or not conversation.is_with_people:
                return
            self.store.record_departure(ref, conversation.ticket)
            for delivery in ("pending", "retrying"):
                self.store.mark_messages(ref, was=delivery, delivery="")
            self.close(conversation, f"left_{conversation.state}")

    def start_waiting(
        self, ref: str, *, ticket: str, position: int | None, wait_s: int | None
    ) -> None:
        """Relève accepted the escalation."""
        with self.changing(ref) as conversation:
            if conversation.key is None:
                return  # a webhook arrived before the answer
            self.link_ticket(conversation, ticket)
            conversation.position, conversation.wait_s = position, wait_s
            self.speak(conversation, "queued", headline=_choose_headline(conversation))
        if conversation.gone:
            self.leave(ref)

    def report_failure(self, ref: str, *, key: str = "unreached") -> None:
        """The escalation failed or was refused: say so and offer another try."""
        with self.changing(ref) as conversation:
            if conversation.is_asking:
                conversation.trouble = True
                conversation.choices = ["choice_retry"]
                self.speak(conversation, key)

    def mark_unsent(self, ref: str) -> None:
        with self.changing(ref):
            self.store.mark_messages(ref, was="pending", delivery="retrying")

    def mark_delivered(self, ref: str, message: Message, *, seq: int) -> None:
        with self.changing(ref):
            self.store.change_message(ref, message.id, delivery="sent", seq=seq)

    def mark_refused(self, ref: str, message: Message, *, closed: bool) -> None:
        """The agent closed the ticket before this message arrived, so the bot answers it."""
        with self.changing(ref) as conversation:
            self.store.change_message(ref, message.id, delivery="late" if closed else "refused")
            if not conversation.is_with_people:
                self._answer(conversation, message.text)

    # Steps that the inbox also uses

    def speak(self, conversation: Conversation, key: str, **facts: object) -> None:
        """Store a sentence of the bot."""
        text = say(conversation.language, key, **facts)
        name = say(conversation.language, "bot_name")
        self.store.add(conversation.ref, id=_make_id(), sender="bot", author=name, text=text)

    def add_notice(self, conversation: Conversation, key: str, **placed: Any) -> None:
        agent = conversation.agent or say(conversation.language, "agent_unnamed")
        text = say(conversation.language, key, agent=agent)
        self.store.add(conversation.ref, id=_make_id(), sender="notice", text=text, **placed)

    def link_ticket(self, conversation: Conversation, ticket: str) -> None:
        """Link the ticket; from now on the customer waits for a person."""
        conversation.key = conversation.body = None
        conversation.trouble = False
        conversation.ticket, conversation.version, conversation.agent = ticket, 0, None
        conversation.state, conversation.choices = "waiting", []
        self.store.mark_messages(conversation.ref, was="held", delivery="pending")

    def close(self, conversation: Conversation, key: str) -> None:
        """The person has left; the bot continues."""
        self.add_notice(conversation, key, ticket=conversation.ticket, seq=LAST_SEQ)
        conversation.state, conversation.misses = "bot", 0
        conversation.position = conversation.wait_s = None
        conversation.choices = list(bot.SUGGESTIONS)

    def _answer(self, conversation: Conversation, text: str) -> None:
        offered = bool({"choice_human", "choice_retry"} & set(conversation.choices))
        reply = bot.choose_reply(text, misses=conversation.misses, offered=offered)
        conversation.misses = 0 if reply.understood else conversation.misses + 1
        if reply.topic:
            conversation.topic = reply.topic
            conversation.tried = [*filter(reply.topic.__ne__, conversation.tried), reply.topic]
        if conversation.state == "waiting":
            self._answer_while_waiting(conversation, reply)
        elif not reply.wants_human:
            self._reply(conversation, reply)
        elif not conversation.is_asking:
            self._ask(conversation)

    def _reply(self, conversation: Conversation, reply: bot.Reply) -> None:
        self.speak(conversation, reply.key)
        retry = ("choice_retry",) if conversation.trouble else ()
        conversation.choices = [*retry, *reply.choices] if not conversation.is_asking else []

    def _answer_while_waiting(self, conversation: Conversation, reply: bot.Reply) -> None:
        if reply.wants_human:
            self.speak(conversation, "already_waiting", headline=_choose_headline(conversation))
        elif reply.understood and reply.key != "no_help":
            self.speak(conversation, reply.key)
        else:
            self.speak(conversation, "passed_on")

    def _ask(self, conversation: Conversation) -> None:
        """Ask for a human. Another try repeats the request with its key until Relève answers."""
        if conversation.key is None:
            said = self.store.list_messages(conversation.ref)
            conversation.body = json.dumps(handoff.make_escalation(conversation, said))
            conversation.key = str(uuid4())
            conversation.ticket = conversation.agent = None
        conversation.trouble, conversation.choices = False, []
        self.speak(conversation, "asking")


def _choose_delivery(conversation: Conversation) -> str:
    """Held until the ticket exists; empty if the transcript will include the message."""
    if conversation.is_with_people:
        return "pending"
    return "held" if conversation.key else ""


def _choose_headline(conversation: Conversation) -> str:
    return show_queue(
        conversation.language, position=conversation.position, wait_s=conversation.wait_s
    )


def _make_id() -> str:
    return uuid4().hex
