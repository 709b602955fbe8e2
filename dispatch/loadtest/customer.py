"""A customer in a chatbot's conversation: asks for a human, waits, talks, leaves, reviews."""

import asyncio
from contextlib import suppress
from random import Random
from typing import Any
from uuid import UUID

from dispatch.loadtest.behaviour import Behaviour
from dispatch.loadtest.bot import BotActor
from dispatch.loadtest.history import History
from dispatch.loadtest.webhook_server import Event, WebhookServer

NAMES = ("Mia K.", "Noah B.", "Lea D.", "Emil S.", "Ada L.", "Ivo P.")
TOPICS = {
    "card-not-arrived": ("cards", "Card ordered two weeks ago, tracking says delivered."),
    "refund-status": ("payments", "Refund from a shop not on the account after ten days."),
    "address-change": ("accounts", "Has moved; the new address is not taken."),
    "log-in": ("technical", "New phone, the app asks for a code that never comes."),
}
AHEAD = ("Hello?", "Is anybody there?", "It is rather urgent.")
ANSWERS = ("Yes.", "That was on Monday.", "Thank you!", "I see. And what now?", "In the app.")
ENDS = {"resolved", "handed_back", "unavailable", "abandoned"}
END_NEWS = {"ticket.resolved", "ticket.handed_back", "ticket.unavailable"}
#: Whoever hears nothing for so long asks how things are (s).
DOUBT = 8.0
#: Of the customers asked, so many say how it was.
REVIEWS = 0.3


class CustomerActor:
    """One conversation with one escalation."""

    def __init__(
        self,
        bot: BotActor,
        mailbox: WebhookServer,
        temper: Behaviour,
        *,
        language: str,
        chance: Random,
        book: History,
        hurry: asyncio.Event,
    ) -> None:
        """`hurry`: set when everybody is asked to come to an end."""
        self.bot, self.mailbox, self.temper = bot, mailbox, temper
        self.language, self.chance, self.book, self.hurry = language, chance, book, hurry
        self.ref = str(UUID(int=chance.getrandbits(128), version=4))
        self.key = UUID(int=chance.getrandbits(128), version=4)
        self.ticket, self.talking, self.said = "", False, 0

    async def live(self) -> None:
        """From the escalation to the end, however it comes."""
        ticket = await self.bot.escalate(self.book, self.escalation(), key=self.key)
        if ticket is None:
            return
        self.ticket = ticket
        news = self.mailbox.subscribe(ticket)
        try:
            await self._go_through(news)
            await self.bot.read(self.book, ticket)
        finally:
            self.mailbox.unsubscribe(ticket)

    def escalation(self) -> dict[str, Any]:
        topic = self.chance.choice(sorted(TOPICS))
        skill, summary = TOPICS[topic]
        asked = [{"code": skill, "level": 1}] if self.chance.random() < 0.5 else []
        return {
            "version": 1,
            "conversation_ref": self.ref,
            "customer": {"ref": f"c-{self.chance.randint(1, 500)}", "name": self._name()},
            "language": self.language,
            "topic": topic,
            "skills": asked,
            "summary": summary,
            "tried": ["the help pages"],
            "transcript": [
                {"role": "customer", "at": "2026-11-22T10:00:00Z", "text": summary},
                {"role": "bot", "at": "2026-11-22T10:00:01Z", "text": "I will find somebody."},
            ],
        }

    def _name(self) -> str:
        return self.chance.choice(NAMES)

    async def _go_through(self, news: "asyncio.Queue[Event]") -> None:
        leaves_at = self._patience()
        if self.chance.random() < self.temper.writes_ahead:
            await self._say(self.chance.choice(AHEAD))
        while True:
            heard = await self._hear(news, until=leaves_at)
            if heard is None and self._now() >= leaves_at:
                return await self._leave()
            ended = await (self._doubt() if heard is None else self._take_in(heard))
            if ended:
                return await self._look_back()

    def _patience(self) -> float:
        """When this customer leaves if nobody has come by then; most stay until they are told."""
        if self.chance.random() >= self.temper.gives_up:
            return float("inf")
        return self._now() + self.temper.after(self.temper.patience, self.chance)

    async def _hear(self, news: "asyncio.Queue[Event]", *, until: float) -> Event | None:
        """The next news; None when none came in time."""
        left = DOUBT if self.talking else min(DOUBT, until - self._now())
        with suppress(asyncio.TimeoutError):
            async with asyncio.timeout(max(left, 0)):
                return await news.get()
        return None

    async def _take_in(self, news: Event) -> bool:
        """Whether the ticket has ended."""
        kind = news["type"]
        self.talking = kind in ("ticket.answered", "message.created")
        if kind == "message.created" and self.said < 3 * self.temper.talks:
            if self.chance.random() < self.temper.walks_out / self.temper.talks:
                await self.bot.cancel(self.book, self.ticket)
                return True
            await asyncio.sleep(self.temper.after(self.temper.thinks, self.chance))
            await self._say(self.chance.choice(ANSWERS))
        return kind in END_NEWS

    async def _doubt(self) -> bool:
        """Nothing was heard: ask. Whoever is asked to come to an end stops waiting."""
        status = await self.bot.look(self.book, self.ticket)
        self.talking = status == "active" if status else self.talking
        if self.hurry.is_set() and status == "queued":
            await self.bot.cancel(self.book, self.ticket)
            return True
        return status in ENDS

    async def _say(self, text: str) -> None:
        self.said += 1
        number = f"{self.said}-{self.chance.getrandbits(64):x}"
        await self.bot.say(self.book, self.ticket, number=number, text=text)

    async def _leave(self) -> None:
        await self.bot.cancel(self.book, self.ticket)

    async def _look_back(self) -> None:
        if self.chance.random() < REVIEWS:
            await self.bot.review(self.book, self.ticket, score=self.chance.randint(1, 5))

    def _now(self) -> float:
        return asyncio.get_running_loop().time()
