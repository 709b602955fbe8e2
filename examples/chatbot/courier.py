"""Sends Relève what it needs to know: escalations, customer messages, departures.

One task per conversation keeps the order. Each step reads the open work from the store, so a crash
loses nothing.
"""

import asyncio
import logging

from conversation import Conversation, Message
from inbox import Inbox
from releve import Refused, Releve, Unreachable
from talk import Talk

SHORTEST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 10.0
CLOSED = {404, 409, 410}
LOOK_EVERY_S = 3.0
LOOK_AT_TALKS_EVERY = 5  # reads; webhooks bring the news, and reading finds what they missed

log = logging.getLogger("chatbot.courier")


class Courier:
    def __init__(self, releve: Releve, talk: Talk, inbox: Inbox) -> None:
        self._releve = releve
        self._talk = talk
        self._store = talk.store
        self._inbox = inbox
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._called: set[str] = set()

    def wake(self, ref: str) -> None:
        """Process this conversation now, or again after the step that is running."""
        self._called.add(ref)
        if ref not in self._tasks:
            self._tasks[ref] = asyncio.create_task(self._attend(ref))

    async def run(self) -> None:
        """Resume the work of an earlier run, then watch the open tickets."""
        for ref in self._store.unfinished():
            await self._attempt_look(self._store.get(ref))
            self.wake(ref)
        looks = 0
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            looks += 1
            for conversation in self._store.busy():
                if conversation.state == "waiting" or looks % LOOK_AT_TALKS_EVERY == 0:
                    await self._attempt_look(conversation)

    async def close(self) -> None:
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _attend(self, ref: str) -> None:
        pause = SHORTEST_PAUSE_S
        try:
            while ref in self._called:
                self._called.discard(ref)
                pause = await self._errands(ref, pause)
        finally:
            del self._tasks[ref]

    async def _errands(self, ref: str, pause: float) -> float:
        """Do everything that is due. If Relève cannot be reached, return the pause before the next
        try."""
        try:
            while await self._errand(ref):
                pause = SHORTEST_PAUSE_S
        except Unreachable as error:
            log.warning("trying again in %s s: %s", pause, error)
            self._failed(ref)
            self._called.add(ref)
            await asyncio.sleep(pause)
            return min(pause * 2, LONGEST_PAUSE_S)
        return pause

    def _failed(self, ref: str) -> None:
        self._talk.not_sent(ref)
        self._talk.unreached(ref)

    async def _errand(self, ref: str) -> bool:
        """Do the first due step; returns False when there is none."""
        conversation = self._store.get(ref)
        if ticket := self._store.departure(ref):
            await self._tell_departure(ticket)
        elif conversation.asking:
            await self._ask(conversation)
        elif conversation.ticket and conversation.behind:
            await self._look(conversation)
        elif conversation.ticket and (message := self._store.unsent(ref)):
            await self._send(conversation, conversation.ticket, message)
        else:
            return False
        return True

    async def _tell_departure(self, ticket: str) -> None:
        try:
            await self._releve.cancel(ticket)
        except Refused as no:
            log.info("ticket %s was over before the customer left: %s", ticket, no)
        self._store.departure_told(ticket)

    async def _ask(self, conversation: Conversation) -> None:
        ref = conversation.ref
        try:
            answer = await self._releve.escalate(
                conversation.body or "", key=conversation.key or ""
            )
        except Unreachable as error:
            log.warning("cannot escalate: %s", error)
            self._talk.unreached(ref)
            return
        except Refused as no:
            self._not_taken(ref, no)
            return
        self._talk.queued(
            ref,
            ticket=str(answer["ticket"]),
            position=answer.get("position"),
            wait_s=answer.get("expected_wait_s"),
        )

    def _not_taken(self, ref: str, no: Refused) -> None:
        log.warning("escalation refused: %s", no)
        open_ticket = no.problem.get("ticket")
        if no.code != "conversation_already_open" or not open_ticket:
            self._talk.unreached(ref, key="asked_refused")
            return
        self._talk.queued(ref, ticket=str(open_ticket), position=None, wait_s=None)
        with self._talk.changing(ref) as conversation:
            conversation.behind = True

    async def _send(self, conversation: Conversation, ticket: str, message: Message) -> None:
        try:
            sent = await self._releve.send(ticket, message_id=message.id, text=message.text)
        except Refused as no:
            log.info("message not taken: %s", no)
            await self._look(conversation)
            self._talk.not_taken(conversation.ref, message, closed=no.status in CLOSED)
            return
        self._talk.delivered(conversation.ref, message, seq=int(sent["seq"]))

    async def _look(self, conversation: Conversation) -> None:
        """Read the ticket and its messages from Relève, because its answer is authoritative."""
        if conversation.ticket is None:
            return
        try:
            answer = await self._releve.ticket(conversation.ticket)
            said = await self._releve.messages(conversation.ticket)
        except Refused as no:
            log.warning("ticket %s cannot be read: %s", conversation.ticket, no)
            self._inbox.unread(conversation.ref, lost=no.status in CLOSED)
            return
        self._inbox.messages(conversation.ref, conversation.ticket, said)
        self._inbox.status(conversation.ref, answer)

    async def _attempt_look(self, conversation: Conversation) -> None:
        try:
            await self._look(conversation)
        except (Unreachable, LookupError, TypeError, ValueError) as error:
            log.warning("cannot look at ticket %s: %r", conversation.ticket, error)
