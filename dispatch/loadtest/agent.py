"""An agent at work: answers offers, talks, ends conversations, and sometimes loses the network."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from random import Random
from typing import Any
from uuid import UUID

from dispatch.loadtest.behaviour import REASONS, Behaviour
from dispatch.loadtest.browser import DeskBrowser
from dispatch.loadtest.page_parser import DeskPage

GREETING = "Hello, I have read what you wrote and am looking into it."
REPLIES = (
    "I can see it here. One moment, please.",
    "Thank you for waiting. That is put right now.",
    "Could you tell me when that was?",
    "I have noted it, so that it does not happen again.",
)
DISPOSITIONS = ("solved", "solved", "follow_up", "not_solved")
HAND_BACK_REASONS = ("bot_can_continue", "customer_wants_bot", "wrong_team")
#: An agent goes on after waiting so long for the customer's reply (s).
REPLY_TIMEOUT = 15.0
#: An agent looks at the page at least this often (s).
LOOK_EVERY = 12.0


class AgentActor:
    """Works from `work` until `leave`."""

    def __init__(self, desk: DeskBrowser, behaviour: Behaviour, *, rng: Random) -> None:
        self.desk, self.behaviour, self.rng = desk, behaviour, rng
        self.leaving = asyncio.Event()
        self._considered: set[str] = set()
        self._conversations: dict[str, AgentConversation] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._online = asyncio.Event()

    async def work(self) -> None:
        """Log in, go online, and work until `leave` was called and all conversations ended."""
        if not await self.desk.log_in():
            return
        await self.desk.refresh()
        await self._go_online()
        try:
            while not (self.leaving.is_set() and not self._conversations):
                await self._react()
        finally:
            await self._go_offline()

    async def leave(self) -> None:
        """Take no more offers, end the open conversations, go offline."""
        self.leaving.set()
        self.desk.changed.set()

    async def _go_online(self) -> None:
        await self.desk.open()
        await self.desk.set_presence("available")
        self._online.set()

    async def _go_offline(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with suppress(asyncio.TimeoutError):
            async with asyncio.timeout(10):
                await self.desk.set_presence("offline")
        await self.desk.close()

    async def _react(self) -> None:
        """Wait for a change of the page, then start what is new."""
        with suppress(asyncio.TimeoutError):
            async with asyncio.timeout(LOOK_EVERY):
                await self.desk.changed.wait()
        self.desk.changed.clear()
        await self._online.wait()
        if self.desk.is_stale:
            self.desk.is_stale = False
            await self.desk.refresh()
            for conversation in self._conversations.values():
                conversation.changed.set()
        if self.desk.presence in ("paused", "away", "offline") and not self.leaving.is_set():
            await self.desk.set_presence("available")
        for offer in [one for one in self.desk.offers if one not in self._considered]:
            self._considered.add(offer)
            self._start(self._consider(offer))
        for found in [one for one in self.desk.conversations if one not in self._conversations]:
            self._begin(found)
        self._considered &= {*self.desk.offers}

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _consider(self, offer: str) -> None:
        await self.desk.show(offer)
        decision = "decline" if self.leaving.is_set() else self.behaviour.decide(self.rng)
        await asyncio.sleep(self.behaviour.sample_span(self.behaviour.answer_after, self.rng))
        if decision == "decline":
            await self.desk.decline(offer, because=self.rng.choice(REASONS))
        elif decision == "accept" and (conversation := await self.desk.accept(offer)):
            self._begin(conversation)
        if decision != "ignore":
            self.desk.offers.pop(offer, None)

    def _begin(self, conversation_id: str) -> None:
        if conversation_id not in self._conversations:
            conversation = AgentConversation(self, conversation_id)
            self._conversations[conversation_id] = conversation
            self._start(self._hold_conversation(conversation))

    async def _hold_conversation(self, conversation: "AgentConversation") -> None:
        try:
            if self.rng.random() < self.behaviour.lose_network_share and not self.leaving.is_set():
                self._start(self._lose_network(self.rng.choice(self.behaviour.network_gone_for)))
            await conversation.run()
        finally:
            del self._conversations[conversation.id]
            if conversation.id in self.desk.conversations:
                self.desk.conversations.remove(conversation.id)
            self.desk.changed.set()

    async def _lose_network(self, seconds: float) -> None:
        """Close the page without a word, and open it again after so many seconds."""
        await asyncio.sleep(self.behaviour.sample_span(self.behaviour.reply_after, self.rng))
        if not self._online.is_set():
            return
        self.desk.history.note("network", "seen", gone_for=seconds)
        self._online.clear()
        await self.desk.close()
        with suppress(asyncio.TimeoutError):
            async with asyncio.timeout(seconds):
                await self.leaving.wait()
        await self._go_online()

    async def wait_until_online(self) -> None:
        """Wait while the network is lost."""
        await self._online.wait()


class AgentConversation:
    """One conversation, from the greeting to the end of wrap-up, or until it is taken away."""

    def __init__(self, agent: AgentActor, conversation_id: str) -> None:
        self.agent, self.id = agent, conversation_id
        self.desk, self.behaviour, self.rng = agent.desk, agent.behaviour, agent.rng
        self.changed = asyncio.Event()
        self.seq, self.stage, self.unanswered = 0, "", False

    async def run(self) -> None:
        await self._look()
        if self.stage in ("", "talking"):
            await self._talk()
        if self.stage == "wrapping":
            await self._wrap_up()

    async def _talk(self) -> None:
        await self._say(GREETING)
        for _ in range(self.rng.randint(1, self.behaviour.max_exchanges)):
            await self._wait_for_customer()
            if self.stage != "talking":
                return
            await self._say(self.rng.choice(REPLIES))
        await self._think()
        if self.rng.random() < self.behaviour.hand_back_share:
            await self._end("hand-back", reason=self.rng.choice(HAND_BACK_REASONS))
        else:
            await self._end("resolve", disposition=self.rng.choice(DISPOSITIONS))

    async def _wrap_up(self) -> None:
        """Finish, or forget to: then the scheduler ends the wrap-up."""
        await asyncio.sleep(self.behaviour.sample_span(self.behaviour.wrap_up_for, self.rng))
        await self.agent.wait_until_online()
        if self.rng.random() < self.behaviour.forget_wrap_up_share:
            while self.stage == "wrapping":
                await self._wait_for_change()
                await self._look()
        elif await self.desk.end("finish", self.id, note=""):
            self.stage = "over"

    async def _say(self, text: str) -> None:
        await self._think()
        if self.stage not in ("", "talking"):
            return
        number = UUID(int=self.rng.getrandbits(128), version=4)
        shown = await self.desk.say(self.id, number=number, text=text, after=self.seq)
        if shown is None:
            # Refused: the conversation ended or was reassigned. The page says which.
            self.stage = "over"
            await self._look()
        else:
            self._read_page(shown)
            self.unanswered = False

    async def _end(self, verb: str, **form: str) -> None:
        await self.agent.wait_until_online()
        if self.stage == "talking" and await self.desk.end(verb, self.id, **form):
            self.stage = "wrapping"
        elif self.stage == "talking":
            self.stage = "over"
            await self._look()

    async def _think(self) -> None:
        await asyncio.sleep(self.behaviour.sample_span(self.behaviour.reply_after, self.rng))
        await self.agent.wait_until_online()

    async def _wait_for_customer(self) -> None:
        """Until the customer has written, or has not for a while."""
        until = asyncio.get_running_loop().time() + REPLY_TIMEOUT
        while not self.unanswered and self.stage == "talking":
            if asyncio.get_running_loop().time() > until or self.agent.leaving.is_set():
                return
            await self._wait_for_change()
            await self._look()

    async def _wait_for_change(self) -> None:
        """Until something changed on the page, or for some seconds."""
        with suppress(asyncio.TimeoutError):
            async with asyncio.timeout(3):
                await self.changed.wait()
        self.changed.clear()
        await self.agent.wait_until_online()

    async def _look(self) -> None:
        self._read_page(await self.desk.refresh(self.id, after=self.seq, stage=self.stage))

    def _read_page(self, shown: DeskPage) -> None:
        for words in shown.words:
            self.seq = max(self.seq, words.seq)
            self.unanswered |= words.origin == "customer"
        self.stage = shown.stage or self.stage
