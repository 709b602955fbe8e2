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

#: So many agents log in at once.
LOGINS_AT_ONCE = 8


@dataclass(frozen=True)
class Plan:
    """`rate`: customers a second, as a Poisson stream. `seconds`: of arrivals, without end if None.
    `drain`: seconds in which the customers may finish. `listen`: seconds for which the bot goes on
    listening after that. `duplicates`: as for an `HttpClient`."""

    url: str
    rate: float
    seconds: float | None
    drain: float
    listen: float
    behaviour: Behaviour
    seed: int = 0
    duplicates: int = 0


class Crowd:
    def __init__(self, plan: Plan, fixtures: Fixtures, store: HistoryStore) -> None:
        self.plan, self.fixtures, self.store = plan, fixtures, store
        self.rng = Random(f"{plan.seed}:{fixtures.client}")
        self.enough, self.hurry = asyncio.Event(), asyncio.Event()
        self.server = WebhookServer(fixtures.webhook_secret, store.history("webhooks"))
        self.customers: set[asyncio.Task[None]] = set()
        self.agents: list[AgentActor] = []
        self.arrived = 0
        self.began = time.monotonic()
        self._login_slots = asyncio.Semaphore(LOGINS_AT_ONCE)

    async def run(self, set_webhook_url: Callable[[str], None]) -> None:
        """Run until the arrivals are over and all actors have left. `set_webhook_url` gets the
        address at which the bot listens."""
        port = await self.server.open()
        await asyncio.to_thread(set_webhook_url, f"http://127.0.0.1:{port}/webhooks")
        working = [asyncio.create_task(self._work(*one)) for one in self.fixtures.agents]
        try:
            await self._arrive()
            await self._drain()
            for agent in self.agents:
                await agent.leave()
            await asyncio.wait(working, timeout=self.plan.drain)
            await asyncio.sleep(self.plan.listen)
        finally:
            for task in (*working, *self.customers):
                task.cancel()
            await asyncio.gather(*working, *self.customers, return_exceptions=True)
            await self.server.close()

    def stop(self) -> None:
        """No more arrivals; those who are there may finish."""
        self.enough.set()

    def _rng_of(self, name: str) -> Random:
        return Random(f"{self.plan.seed}:{name}")

    async def _work(self, login: str, _spoken: tuple[str, ...]) -> None:
        rng, history = self._rng_of(login), self.store.history(login)
        async with HttpClient(self.plan.url, rng=rng, duplicates=self.plan.duplicates) as http:
            desk = DeskBrowser(http, (login, self.fixtures.password), history=history, rng=rng)
            agent = AgentActor(desk, self.plan.behaviour, rng=rng)
            async with self._login_slots:
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
        spoken = [language for _login, known in self.fixtures.agents for language in known]
        headers = {"Authorization": f"Bearer {self.fixtures.api_key}"}
        http = HttpClient(
            self.plan.url, headers=headers, rng=self._rng_of("bot"), duplicates=self.plan.duplicates
        )
        self._bot = BotActor(http)
        while not self.enough.is_set() and (until is None or time.monotonic() < until):
            pause = self.rng.expovariate(self.plan.rate)
            if until:
                pause = min(pause, max(until - time.monotonic(), 0.01))
            try:
                async with asyncio.timeout(pause):
                    await self.enough.wait()
            except TimeoutError:
                self._start_customer(self.rng.choice(spoken))

    def _start_customer(self, language: str) -> None:
        self.arrived += 1
        name = f"customer-{self.arrived}"
        customer = CustomerActor(
            self._bot,
            self.server,
            self.plan.behaviour,
            language=language,
            rng=self._rng_of(name),
            history=self.store.history(name),
            hurry=self.hurry,
        )
        task = asyncio.create_task(customer.run())
        self.customers.add(task)
        task.add_done_callback(self.customers.discard)

    async def _drain(self) -> None:
        """Half of the time to end by themselves, the other half in a hurry."""
        for _ in ("in peace", "in a hurry"):
            if self.customers and self.plan.drain:
                await asyncio.wait(self.customers, timeout=self.plan.drain / 2)
            self.hurry.set()
