"""A troupe: a few desks and a bot that do what a race asks of them, and note it as all do."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import wraps
from random import Random
from typing import Any
from uuid import UUID

import psycopg
from asgiref.sync import sync_to_async
from django.db import connection

from agents import roster
from agents.models import Agent
from dispatch.loadtest import fixtures
from dispatch.loadtest.bot import BotActor
from dispatch.loadtest.browser import DeskBrowser
from dispatch.loadtest.fixtures import Fixtures
from dispatch.loadtest.history import History, HistoryStore
from dispatch.loadtest.http import HttpClient
from dispatch.loadtest.webhook_server import WebhookServer
from tests.chaos import history
from tests.chaos.probe import attend
from tests.chaos.scene import Scene
from tests.chaos.stage import Stage
from tickets import clock

LANGUAGE = "sv"
#: Each has so many places, unless a race needs fewer.
PLACES = 16
#: So many races at once.
MANY = 12

Race = Callable[[Scene, "Troupe"], Awaitable[None]]


@dataclass
class Troupe:
    scene: Scene
    laid: Fixtures
    shelf: HistoryStore
    bot: BotActor
    chance: Random
    desks: list[DeskBrowser] = field(default_factory=list)
    tickets: list[str] = field(default_factory=list)

    @property
    def book(self) -> History:
        return self.shelf.book("bot")

    def number(self) -> UUID:
        return UUID(int=self.chance.getrandbits(128), version=4)

    async def ask(self, count: int) -> list[str]:
        """So many customers ask for a human; their tickets."""
        found = []
        for _ in range(count):
            body = {
                "version": 1,
                "conversation_ref": str(self.number()),
                "customer": {"ref": "race", "name": "Mia K."},
                "language": LANGUAGE,
                "topic": "race",
            }
            found.append(await self.bot.escalate(self.book, body, key=self.number()))
        asked = [ticket for ticket in found if ticket]
        self.tickets += asked
        return asked

    async def offers(self, tickets: list[str], *, each: int, seconds: float = 40) -> dict[str, Any]:
        """The pending offers of these tickets on the desks, by ticket and desk, once there are so
        many for each. What never comes to that is left out."""
        give_up = asyncio.get_running_loop().time() + seconds
        while True:
            found = await asyncio.to_thread(self._offers, tickets)
            whole = {ticket: of for ticket, of in found.items() if len(of) >= each}
            late = asyncio.get_running_loop().time() > give_up
            if len(whole) == len(tickets) or late:
                return whole
            await asyncio.sleep(0.2)

    def _offers(self, tickets: list[str]) -> dict[str, dict[str, str]]:
        rows = query(
            self.scene.stage,
            "SELECT o.ticket_id::text, u.username, o.id::text FROM dispatch_offer o"
            " JOIN agents_agent a ON a.id = o.agent_id JOIN agents_user u ON u.id = a.user_id"
            " WHERE o.status = 'shown' AND o.ticket_id = ANY(%s::uuid[])",
            [tickets],
        )
        found: dict[str, dict[str, str]] = {}
        for ticket, login, offer in rows:
            found.setdefault(ticket, {})[login] = offer
        return found

    def desk(self, login: str) -> DeskBrowser:
        return next(desk for desk in self.desks if desk.login[0] == login)

    async def tab(self, desk: DeskBrowser, stack: AsyncExitStack) -> DeskBrowser:
        """The same agent's second browser, logged in by itself."""
        wire = await stack.enter_async_context(HttpClient(desk.wire.url, chance=self.chance))
        tab = DeskBrowser(wire, desk.login, book=desk.book, chance=self.chance)
        await tab.log_in()
        return tab

    async def serve(self, desk: DeskBrowser, assignment: str | None) -> None:
        """Say something, resolve, finish."""
        if assignment:
            await desk.say(assignment, number=self.number(), text="Hello.", after=0)
            await desk.end("resolve", assignment, disposition="solved")
            await desk.end("finish", assignment, note="")


@asynccontextmanager
async def gathered(scene: Scene, count: int, places: int) -> AsyncIterator[Troupe]:
    """So many agents at their desks, online; at the end all leave."""
    laid = await sync_to_async(_lay)(scene.client, count, places)
    shelf, chance = HistoryStore(scene.folder), Random(scene.seed)
    mailbox = WebhookServer(laid.webhook_secret, shelf.book("mailbox"))
    port = await mailbox.open()
    await sync_to_async(fixtures.hear_at)(laid, f"http://127.0.0.1:{port}/webhooks")
    headers = {"Authorization": f"Bearer {laid.api_key}"}
    async with AsyncExitStack() as stack:
        wire = HttpClient(scene.stage.url, headers=headers, chance=chance)
        bot = BotActor(await stack.enter_async_context(wire))
        troupe = Troupe(scene, laid, shelf, bot, chance)
        watching = []
        for login, _spoken in laid.agents:
            wire = await stack.enter_async_context(HttpClient(scene.stage.url, chance=chance))
            password = laid.password
            desk = DeskBrowser(
                wire, (login, password), book=shelf.book(login), chance=Random(login)
            )
            await desk.log_in()
            await desk.open()
            await desk.move("available")
            troupe.desks.append(desk)
            watching.append(asyncio.create_task(attend(desk)))
        try:
            yield troupe
            for ticket in troupe.tickets:
                await bot.cancel(troupe.book, ticket)
            for desk in troupe.desks:
                await desk.move("offline")
            await _all_told(scene)
        finally:
            for task in watching:
                task.cancel()
            await asyncio.gather(*watching, return_exceptions=True)
            for desk in troupe.desks:
                await desk.shut()
            await mailbox.close()


def query(stage: Stage, statement: str, given: list[Any]) -> list[tuple[Any, ...]]:
    with psycopg.connect(stage.database_url, autocommit=True) as database:
        done = database.execute(statement, given)
        return done.fetchall() if done.description else []


def _lay(client: str, count: int, places: int) -> Fixtures:
    # PostgreSQL may have died since this thread last asked.
    connection.close()
    laid = fixtures.lay(
        client,
        agents=count,
        languages=(LANGUAGE,),
        patience=timedelta(minutes=4),
        wrap_up=timedelta(seconds=10),
        at=clock.now(),
    )
    for agent in Agent.objects.filter(user__username__startswith=f"{client}-"):
        roster.set_capacity(agent, capacity=places)
    return laid


async def _all_told(scene: Scene) -> None:
    """The bot listens until everything is sent."""
    for _ in range(200):
        if not await asyncio.to_thread(history.unsettled, scene.stage, scene.client):
            return
        await asyncio.sleep(0.3)


def by(count: int, *, places: int = PLACES) -> Callable[[Race], Callable[[Scene], None]]:
    """The race is run by so many agents, each with so many places."""

    def made(race: Race) -> Callable[[Scene], None]:
        @wraps(race)
        def strike(scene: Scene) -> None:
            async def run() -> None:
                async with gathered(scene, count, places) as troupe:
                    await race(scene, troupe)

            asyncio.run(run())

        return strike

    return made
