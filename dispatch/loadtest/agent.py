"""An agent at work: answers offers, talks, ends conversations; now and then their line is cut."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from random import Random
from typing import Any
from uuid import UUID

from dispatch.loadtest.behaviour import REASONS, Behaviour
from dispatch.loadtest.browser import DeskBrowser
from dispatch.loadtest.page_parser import DeskPage

HELLO = "Hello, I have read what you wrote and am looking into it."
REPLIES = (
    "I can see it here. One moment, please.",
    "Thank you for waiting. That is put right now.",
    "Could you tell me when that was?",
    "I have noted it, so that it does not happen again.",
)
DISPOSITIONS = ("solved", "solved", "follow_up", "not_solved")
BACK = ("bot_can_continue", "customer_wants_bot", "wrong_team")
#: Somebody waits so long for the other one's words before they go on (s).
LULL = 15.0
#: After so long without a stir one looks around all the same (s).
IDLE = 12.0


class AgentActor:
    """Works from `work` until `leave`."""

    def __init__(self, desk: DeskBrowser, temper: Behaviour, *, chance: Random) -> None:
        self.desk, self.temper, self.chance = desk, temper, chance
        self.leaving = asyncio.Event()
        self._considered: set[str] = set()
        self._talks: dict[str, Talk] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._here = asyncio.Event()

    async def work(self) -> None:
        """Log in, come, and answer whatever comes until one may leave."""
        if not await self.desk.log_in():
            return
        await self.desk.look()
        await self._come()
        try:
            while not (self.leaving.is_set() and not self._talks):
                await self._attend()
        finally:
            await self._go()

    async def leave(self) -> None:
        """Take no more offers, end what was begun, go."""
        self.leaving.set()
        self.desk.stirred.set()

    async def _come(self) -> None:
        await self.desk.open()
        await self.desk.move("available")
        self._here.set()

    async def _go(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with suppress(asyncio.TimeoutError):
            async with asyncio.timeout(10):
                await self.desk.move("offline")
        await self.desk.shut()

    async def _attend(self) -> None:
        """Once something stirs: look, then see to what is new."""
        with suppress(asyncio.TimeoutError):
            async with asyncio.timeout(IDLE):
                await self.desk.stirred.wait()
        self.desk.stirred.clear()
        await self._here.wait()
        if self.desk.behind:
            self.desk.behind = False
            await self.desk.look()
            for talk in self._talks.values():
                talk.news.set()
        if self.desk.presence in ("paused", "away", "offline") and not self.leaving.is_set():
            await self.desk.move("available")
        for offer in [one for one in self.desk.offers if one not in self._considered]:
            self._considered.add(offer)
            self._start(self._consider(offer))
        for found in [one for one in self.desk.conversations if one not in self._talks]:
            self._begin(found)
        self._considered &= {*self.desk.offers}

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _consider(self, offer: str) -> None:
        await self.desk.show(offer)
        decision = "decline" if self.leaving.is_set() else self.temper.decides(self.chance)
        await asyncio.sleep(self.temper.after(self.temper.hesitates, self.chance))
        if decision == "decline":
            await self.desk.decline(offer, because=self.chance.choice(REASONS))
        elif decision == "accept" and (conversation := await self.desk.accept(offer)):
            self._begin(conversation)
        if decision != "ignore":
            self.desk.offers.pop(offer, None)

    def _begin(self, conversation: str) -> None:
        if conversation not in self._talks:
            self._talks[conversation] = Talk(self, conversation)
            self._start(self._hold(self._talks[conversation]))

    async def _hold(self, talk: "Talk") -> None:
        try:
            if self.chance.random() < self.temper.vanishes and not self.leaving.is_set():
                self._start(self._vanish(self.chance.choice(self.temper.gone_for)))
            await talk.go_on()
        finally:
            del self._talks[talk.conversation]
            if talk.conversation in self.desk.conversations:
                self.desk.conversations.remove(talk.conversation)
            self.desk.stirred.set()

    async def _vanish(self, seconds: float) -> None:
        """The network is gone for a while; then the page comes back as it was."""
        await asyncio.sleep(self.temper.after(self.temper.thinks, self.chance))
        if not self._here.is_set():
            return
        self.desk.book.note("network", "seen", gone_for=seconds)
        self._here.clear()
        await self.desk.shut()
        with suppress(asyncio.TimeoutError):
            async with asyncio.timeout(seconds):
                await self.leaving.wait()
        await self._come()

    async def here(self) -> None:
        """Until the network is there."""
        await self._here.wait()


class Talk:
    """One conversation, from hello to the end of wrap-up, as far as one is let."""

    def __init__(self, agent: AgentActor, conversation: str) -> None:
        self.agent, self.conversation = agent, conversation
        self.desk, self.temper, self.chance = agent.desk, agent.temper, agent.chance
        self.news = asyncio.Event()
        self.seq, self.stage, self.unanswered = 0, "", False

    async def go_on(self) -> None:
        await self._look()
        if self.stage in ("", "talking"):
            await self._talk()
        if self.stage == "wrapping":
            await self._wrap_up()

    async def _talk(self) -> None:
        await self._say(HELLO)
        for _ in range(self.chance.randint(1, self.temper.talks)):
            await self._await_words()
            if self.stage != "talking":
                return
            await self._say(self.chance.choice(REPLIES))
        await self._think()
        if self.chance.random() < self.temper.hands_back:
            await self._end("hand-back", reason=self.chance.choice(BACK))
        else:
            await self._end("resolve", disposition=self.chance.choice(DISPOSITIONS))

    async def _wrap_up(self) -> None:
        """Some forget to say that they are done; then the scheduler ends it."""
        await asyncio.sleep(self.temper.after(self.temper.wraps_up, self.chance))
        await self.agent.here()
        if self.chance.random() < self.temper.forgets_wrap_up:
            while self.stage == "wrapping":
                await self._stir()
                await self._look()
        elif await self.desk.end("finish", self.conversation, note=""):
            self.stage = "over"

    async def _say(self, text: str) -> None:
        await self._think()
        if self.stage not in ("", "talking"):
            return
        number = UUID(int=self.chance.getrandbits(128), version=4)
        shown = await self.desk.say(self.conversation, number=number, text=text, after=self.seq)
        if shown is None:
            # Refused: it is over, or somebody else's. The page says which.
            self.stage = "over"
            await self._look()
        else:
            self._take_in(shown)
            self.unanswered = False

    async def _end(self, verb: str, **form: str) -> None:
        await self.agent.here()
        if self.stage == "talking" and await self.desk.end(verb, self.conversation, **form):
            self.stage = "wrapping"
        elif self.stage == "talking":
            self.stage = "over"
            await self._look()

    async def _think(self) -> None:
        await asyncio.sleep(self.temper.after(self.temper.thinks, self.chance))
        await self.agent.here()

    async def _await_words(self) -> None:
        """Until the customer has written, or has not for a while."""
        until = asyncio.get_running_loop().time() + LULL
        while not self.unanswered and self.stage == "talking":
            if asyncio.get_running_loop().time() > until or self.agent.leaving.is_set():
                return
            await self._stir()
            await self._look()

    async def _stir(self) -> None:
        """Until something changed on the page, or for some seconds."""
        with suppress(asyncio.TimeoutError):
            async with asyncio.timeout(3):
                await self.news.wait()
        self.news.clear()
        await self.agent.here()

    async def _look(self) -> None:
        self._take_in(await self.desk.look(self.conversation, after=self.seq, stage=self.stage))

    def _take_in(self, shown: DeskPage) -> None:
        for words in shown.words:
            self.seq = max(self.seq, words.seq)
            self.unanswered |= words.origin == "customer"
        self.stage = shown.stage or self.stage
