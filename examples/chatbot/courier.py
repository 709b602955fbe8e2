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
READ_TALKS_EVERY = 5  # reads; webhooks bring the news, and reading finds what they missed

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
            self._tasks[ref] = asyncio.create_task(self._process(ref))

    async def run(self) -> None:
        """Resume the work of an earlier run, then watch the open tickets."""
        for ref in self._store.list_unfinished():
            await self._try_read_ticket(self._store.get(ref))
            self.wake(ref)
        looks = 0
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            looks += 1
            for conversation in self._store.list_busy():
                if conversation.state == "waiting" or looks % READ_TALKS_EVERY == 0:
                    await self._try_read_ticket(conversation)

    async def close(self) -> None:
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _process(self, ref: str) -> None:
        pause = SHORTEST_PAUSE_S
        try:
            while ref in self._called:
                self._called.discard(ref)
                pause = await self._do_due_steps(ref, pause)
        finally:
            del self._tasks[ref]

    async def _do_due_steps(self, ref: str, pause: float) -> float:
        """Do everything that is due. If Relève cannot be reached, return the pause before the next
        try."""
        try:
            while await self._do_next_step(ref):
                pause = SHORTEST_PAUSE_S
        except Unreachable as error:
            log.warning("trying again in %s s: %s", pause, error)
            self._report_failure(ref)
            self._called.add(ref)
            await asyncio.sleep(pause)
            return min(pause * 2, LONGEST_PAUSE_S)
        return pause

    def _report_failure(self, ref: str) -> None:
        self._talk.mark_unsent(ref)
        self._talk.report_failure(ref)

    async def _do_next_step(self, ref: str) -> bool:
        """Do the first due step; returns False when there is none."""
        conversation = self._store.get(ref)
        if ticket := self._store.find_departure(ref):
            await self._tell_departure(ticket)
        elif conversation.is_asking:
            await self._escalate(conversation)
        elif conversation.ticket and conversation.behind:
            await self._read_ticket(conversation)
        elif conversation.ticket and (message := self._store.find_unsent(ref)):
            await self._send_message(conversation, conversation.ticket, message)
        else:
            return False
        return True

    async def _tell_departure(self, ticket: str) -> None:
        try:
            await self._releve.cancel_ticket(ticket)
        except Refused as no:
            log.info("ticket %s was over before the customer left: %s", ticket, no)
        self._store.mark_departure_told(ticket)

    async def _escalate(self, conversation: Conversation) -> None:
        ref = conversation.ref
        try:
            answer = await self._releve.escalate(
                conversation.body or "", key=conversation.key or ""
            )
        except Unreachable as error:
            log.warning("cannot escalate: %s", error)
            self._talk.report_failure(ref)
            return
        except Refused as no:
            self._accept_refusal(ref, no)
            return
        self._talk.start_waiting(
            ref,
            ticket=str(answer["ticket"]),
            position=answer.get("position"),
            wait_s=answer.get("expected_wait_s"),
        )

    def _accept_refusal(self, ref: str, no: Refused) -> None:
        log.warning("escalation refused: %s", no)
        open_ticket = no.problem.get("ticket")
        if no.code != "conversation_already_open" or not open_ticket:
            self._talk.report_failure(ref, key="asked_refused")
            return
        self._talk.start_waiting(ref, ticket=str(open_ticket), position=None, wait_s=None)
        with self._talk.changing(ref) as conversation:
            conversation.behind = True

    async def _send_message(
        self, conversation: Conversation, ticket: str, message: Message
    ) -> None:
        try:
            sent = await self._releve.send_message(ticket, message_id=message.id, text=message.text)
        except Refused as no:
            log.info("message not taken: %s", no)
            await self._read_ticket(conversation)
            self._talk.mark_refused(conversation.ref, message, closed=no.status in CLOSED)
            return
        self._talk.mark_delivered(conversation.ref, message, seq=int(sent["seq"]))

    async def _read_ticket(self, conversation: Conversation) -> None:
        """Read the ticket and its messages from Relève, because its answer is authoritative."""
        if conversation.ticket is None:
            return
        try:
            answer = await self._releve.read_ticket(conversation.ticket)
            said = await self._releve.read_messages(conversation.ticket)
        except Refused as no:
            log.warning("ticket %s cannot be read: %s", conversation.ticket, no)
            self._inbox.apply_unreadable(conversation.ref, lost=no.status in CLOSED)
            return
        self._inbox.apply_messages(conversation.ref, conversation.ticket, said)
        self._inbox.apply_status(conversation.ref, answer)

    async def _try_read_ticket(self, conversation: Conversation) -> None:
        try:
            await self._read_ticket(conversation)
        except (Unreachable, LookupError, TypeError, ValueError) as error:
            log.warning("cannot look at ticket %s: %r", conversation.ticket, error)
