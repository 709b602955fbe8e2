"""A crowd: agents who come to work, and customers who arrive one after another."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from dispatch.loadtest.agent import AgentActor
from dispatch.loadtest.behaviour import Behaviour
from dispatch.loadtest.bot import BotActor
from dispatch.loadtest.browser import DeskBrowser
from dispatch.loadtest.customer import CustomerActor
from dispatch.loadtest.fixtures import Fixtures
from dispatch.loadtest.history import HistoryStore
from dispatch.loadtest.http import HttpClient
from dispatch.loadtest.webhook_server import WebhookServer

#: So many agents come at once.
AT_ONCE = 8


@dataclass(frozen=True)
class Plan:
    """`rate`: customers a second, as a Poisson stream. `seconds`: of arrivals; None: without end.
    `drain`: seconds within which those who came may finish. `news`: seconds for which the bot then
    goes on listening. `echoes`: as for a `Wire`."""

    url: str
    rate: float
    seconds: float | None
    drain: float
    news: float
    temper: Behaviour
    seed: int = 0
    echoes: int = 0


class Crowd:
    def __init__(self, plan: Plan, ground: Fixtures, shelf: HistoryStore) -> None:
        self.plan, self.ground, self.shelf = plan, ground, shelf
        self.chance = Random(f"{plan.seed}:{ground.client}")
        self.enough, self.hurry = asyncio.Event(), asyncio.Event()
        self.mailbox = WebhookServer(ground.webhook_secret, shelf.book("mailbox"))
        self.customers: set[asyncio.Task[None]] = set()
        self.agents: list[AgentActor] = []
        self.arrived = 0
        self.began = time.monotonic()
        self._gate = asyncio.Semaphore(AT_ONCE)

    async def run(self, heard_at: Callable[[str], None]) -> None:
        """Until the arrivals are over and everybody is gone. `heard_at` is told where the bot
        listens for webhooks."""
        port = await self.mailbox.open()
        await asyncio.to_thread(heard_at, f"http://127.0.0.1:{port}/webhooks")
        working = [asyncio.create_task(self._work(*one)) for one in self.ground.agents]
        try:
            await self._arrive()
            await self._drain()
            for agent in self.agents:
                await agent.leave()
            await asyncio.wait(working, timeout=self.plan.drain)
            await asyncio.sleep(self.plan.news)
        finally:
            for task in (*working, *self.customers):
                task.cancel()
            await asyncio.gather(*working, *self.customers, return_exceptions=True)
            await self.mailbox.close()

    def stop(self) -> None:
        """No more arrivals; those who are there may finish."""
        self.enough.set()

    def _chance(self, name: str) -> Random:
        return Random(f"{self.plan.seed}:{name}")

    async def _work(self, login: str, _spoken: tuple[str, ...]) -> None:
        chance, book = self._chance(login), self.shelf.book(login)
        async with HttpClient(self.plan.url, chance=chance, echoes=self.plan.echoes) as wire:
            desk = DeskBrowser(wire, (login, self.ground.password), book=book, chance=chance)
            agent = AgentActor(desk, self.plan.temper, chance=chance)
            async with self._gate:
                self.agents.append(agent)
                working = asyncio.create_task(agent.work())
                await asyncio.wait([working], timeout=1)
            try:
                await working
            finally:
                working.cancel()
                await asyncio.gather(working, return_exceptions=True)

    async def _arrive(self) -> None:
        """Languages in the proportion in which agents speak them."""
        until = None if self.plan.seconds is None else self.began + self.plan.seconds
        spoken = [language for _login, known in self.ground.agents for language in known]
        headers = {"Authorization": f"Bearer {self.ground.api_key}"}
        wire = HttpClient(
            self.plan.url, headers=headers, chance=self._chance("bot"), echoes=self.plan.echoes
        )
        self._bot = BotActor(wire)
        while not self.enough.is_set() and (until is None or time.monotonic() < until):
            pause = self.chance.expovariate(self.plan.rate)
            if until:
                pause = min(pause, max(until - time.monotonic(), 0.01))
            try:
                async with asyncio.timeout(pause):
                    await self.enough.wait()
            except TimeoutError:
                self._welcome(self.chance.choice(spoken))

    def _welcome(self, language: str) -> None:
        self.arrived += 1
        name = f"customer-{self.arrived}"
        customer = CustomerActor(
            self._bot,
            self.mailbox,
            self.plan.temper,
            language=language,
            chance=self._chance(name),
            book=self.shelf.book(name),
            hurry=self.hurry,
        )
        task = asyncio.create_task(customer.live())
        self.customers.add(task)
        task.add_done_callback(self.customers.discard)

    async def _drain(self) -> None:
        """Half of the time to end by themselves, the other half in a hurry."""
        for _ in ("in peace", "in a hurry"):
            if self.customers and self.plan.drain:
                await asyncio.wait(self.customers, timeout=self.plan.drain / 2)
            self.hurry.set()
