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
END_EVENTS = {"ticket.resolved", "ticket.handed_back", "ticket.unavailable"}
#: A customer who got no event for so long asks for the status (s).
POLL_AFTER = 8.0
#: Of the customers asked, so many say how it was.
REVIEWS = 0.3


class CustomerActor:
    """One conversation with one escalation."""

    def __init__(
        self,
        bot: BotActor,
        server: WebhookServer,
        behaviour: Behaviour,
        *,
        language: str,
        rng: Random,
        history: History,
        hurry: asyncio.Event,
    ) -> None:
        """`hurry`: set when everybody is asked to come to an end."""
        self.bot, self.server, self.behaviour = bot, server, behaviour
        self.language, self.rng, self.history, self.hurry = language, rng, history, hurry
        self.ref = str(UUID(int=rng.getrandbits(128), version=4))
        self.key = UUID(int=rng.getrandbits(128), version=4)
        self.ticket, self.talking, self.said = "", False, 0

    async def run(self) -> None:
        """From the escalation to the end, however it comes."""
        ticket = await self.bot.escalate(self.history, self.escalation(), key=self.key)
        if ticket is None:
            return
        self.ticket = ticket
        events = self.server.subscribe(ticket)
        try:
            await self._converse(events)
            await self.bot.read_messages(self.history, ticket)
        finally:
            self.server.unsubscribe(ticket)

    def escalation(self) -> dict[str, Any]:
        topic = self.rng.choice(sorted(TOPICS))
        skill, summary = TOPICS[topic]
        asked = [{"code": skill, "level": 1}] if self.rng.random() < 0.5 else []
        return {
            "version": 1,
            "conversation_ref": self.ref,
            "customer": {"ref": f"c-{self.rng.randint(1, 500)}", "name": self._name()},
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
        return self.rng.choice(NAMES)

    async def _converse(self, events: "asyncio.Queue[Event]") -> None:
        leaves_at = self._patience()
        if self.rng.random() < self.behaviour.write_ahead_share:
            await self._say(self.rng.choice(AHEAD))
        while True:
            event = await self._next_event(events, until=leaves_at)
            if event is None and self._now() >= leaves_at:
                return await self._leave()
            ended = await (self._poll() if event is None else self._react(event))
            if ended:
                return await self._review()

    def _patience(self) -> float:
        """When this customer leaves if nobody has come by then; most stay until they are told."""
        if self.rng.random() >= self.behaviour.give_up_share:
            return float("inf")
        return self._now() + self.behaviour.sample_span(self.behaviour.patience, self.rng)

    async def _next_event(self, events: "asyncio.Queue[Event]", *, until: float) -> Event | None:
        """Returns the next event, or None when none came in time."""
        left = POLL_AFTER if self.talking else min(POLL_AFTER, until - self._now())
        with suppress(asyncio.TimeoutError):
            async with asyncio.timeout(max(left, 0)):
                return await events.get()
        return None

    async def _react(self, event: Event) -> bool:
        """Answer the event; returns whether the ticket has ended."""
        kind = event["type"]
        self.talking = kind in ("ticket.answered", "message.created")
        if kind == "message.created" and self.said < 3 * self.behaviour.max_exchanges:
            if self.rng.random() < self.behaviour.leave_talk_share / self.behaviour.max_exchanges:
                await self.bot.cancel(self.history, self.ticket)
                return True
            await asyncio.sleep(self.behaviour.sample_span(self.behaviour.reply_after, self.rng))
            await self._say(self.rng.choice(ANSWERS))
        return kind in END_EVENTS

    async def _poll(self) -> bool:
        """Ask for the status, and stop waiting if everybody is asked to come to an end."""
        status = await self.bot.get_status(self.history, self.ticket)
        self.talking = status == "active" if status else self.talking
        if self.hurry.is_set() and status == "queued":
            await self.bot.cancel(self.history, self.ticket)
            return True
        return status in ENDS

    async def _say(self, text: str) -> None:
        self.said += 1
        number = f"{self.said}-{self.rng.getrandbits(64):x}"
        await self.bot.say(self.history, self.ticket, number=number, text=text)

    async def _leave(self) -> None:
        await self.bot.cancel(self.history, self.ticket)

    async def _review(self) -> None:
        if self.rng.random() < REVIEWS:
            await self.bot.review(self.history, self.ticket, score=self.rng.randint(1, 5))

    def _now(self) -> float:
        return asyncio.get_running_loop().time()
