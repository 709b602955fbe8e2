"""The actors of a race: a few desks and a bot, which keep a history as the load's actors do."""

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
from tests.chaos import records
from tests.chaos.platform import ChaosPlatform
from tests.chaos.probe import attend
from tests.chaos.scenario import Scenario
from tickets import clock

LANGUAGE = "sv"
#: Each has so many places, unless a race needs fewer.
PLACES = 16
#: So many races at once.
MANY = 12

Race = Callable[[Scenario, "Actors"], Awaitable[None]]


@dataclass
class Actors:
    scenario: Scenario
    created: Fixtures
    store: HistoryStore
    bot: BotActor
    rng: Random
    desks: list[DeskBrowser] = field(default_factory=list)
    tickets: list[str] = field(default_factory=list)

    @property
    def history(self) -> History:
        return self.store.history("bot")

    def number(self) -> UUID:
        return UUID(int=self.rng.getrandbits(128), version=4)

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
            found.append(await self.bot.escalate(self.history, body, key=self.number()))
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
            self.scenario.platform,
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
        http = await stack.enter_async_context(HttpClient(desk.http.url, rng=self.rng))
        tab = DeskBrowser(http, desk.login, history=desk.history, rng=self.rng)
        await tab.log_in()
        return tab

    async def serve(self, desk: DeskBrowser, assignment: str | None) -> None:
        """Say something, resolve, finish."""
        if assignment:
            await desk.say(assignment, number=self.number(), text="Hello.", after=0)
            await desk.end("resolve", assignment, disposition="solved")
            await desk.end("finish", assignment, note="")


@asynccontextmanager
async def open_desks(scenario: Scenario, count: int, places: int) -> AsyncIterator[Actors]:
    """So many agents at their desks, online; at the end all leave."""
    created = await sync_to_async(_create)(scenario.client, count, places)
    store, rng = HistoryStore(scenario.folder), Random(scenario.seed)
    server = WebhookServer(created.webhook_secret, store.history("webhooks"))
    port = await server.open()
    await sync_to_async(fixtures.set_webhook_url)(created, f"http://127.0.0.1:{port}/webhooks")
    headers = {"Authorization": f"Bearer {created.api_key}"}
    async with AsyncExitStack() as stack:
        http = HttpClient(scenario.platform.url, headers=headers, rng=rng)
        bot = BotActor(await stack.enter_async_context(http))
        actors = Actors(scenario, created, store, bot, rng)
        watching = []
        for login, _spoken in created.agents:
            http = await stack.enter_async_context(HttpClient(scenario.platform.url, rng=rng))
            password = created.password
            desk = DeskBrowser(
                http, (login, password), history=store.history(login), rng=Random(login)
            )
            await desk.log_in()
            await desk.open()
            await desk.set_presence("available")
            actors.desks.append(desk)
            watching.append(asyncio.create_task(attend(desk)))
        try:
            yield actors
            for ticket in actors.tickets:
                await bot.cancel(actors.history, ticket)
            for desk in actors.desks:
                await desk.set_presence("offline")
            await _all_told(scenario)
        finally:
            for task in watching:
                task.cancel()
            await asyncio.gather(*watching, return_exceptions=True)
            for desk in actors.desks:
                await desk.close()
            await server.close()


def query(platform: ChaosPlatform, statement: str, given: list[Any]) -> list[tuple[Any, ...]]:
    with psycopg.connect(platform.database_url, autocommit=True) as database:
        done = database.execute(statement, given)
        return done.fetchall() if done.description else []


def _create(client: str, count: int, places: int) -> Fixtures:
    # PostgreSQL may have died since this thread last asked.
    connection.close()
    created = fixtures.create(
        client,
        agents=count,
        languages=(LANGUAGE,),
        patience=timedelta(minutes=4),
        wrap_up=timedelta(seconds=10),
        at=clock.now(),
    )
    for agent in Agent.objects.filter(user__username__startswith=f"{client}-"):
        roster.set_capacity(agent, capacity=places)
    return created


async def _all_told(scenario: Scenario) -> None:
    """The bot listens until everything is sent."""
    for _ in range(200):
        if not await asyncio.to_thread(records.unsettled, scenario.platform, scenario.client):
            return
        await asyncio.sleep(0.3)


def run_by(count: int, *, places: int = PLACES) -> Callable[[Race], Callable[[Scenario], None]]:
    """The race is run by so many agents, each with so many places."""

    def made(race: Race) -> Callable[[Scenario], None]:
        @wraps(race)
        def inject(scenario: Scenario) -> None:
            async def run() -> None:
                async with open_desks(scenario, count, places) as actors:
                    await race(scenario, actors)

            asyncio.run(run())

        return inject

    return made
