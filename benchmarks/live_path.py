"""From a bot's POST to the offer in an agent's browser: how long, at which rate.

Real processes, real WebSockets, everything on: API key, idempotency, outbox, reasons. Arrivals are
a Poisson stream that doesn't wait for answers. `python -m benchmarks.live_path --rates 5 20`
"""

import argparse
import asyncio
import json
import os
import random
import re
import statistics
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import django
import httpx
import websockets

from tests import platform as platforms
from tests import servers
from tests.platform import Platform

CARD = re.compile(r'data-offer="([0-9a-f-]{36})"')
#: Customers leave after this, so that agents are free again.
STAYS = 1.5


@dataclass
class Timings:
    """When each ticket was asked for, and when each offer was on a socket."""

    posted: dict[str, float] = field(default_factory=dict)
    offered: dict[str, float] = field(default_factory=dict)

    def milliseconds(self) -> list[float]:
        """From each POST to the first frame with an offer of its ticket."""
        from dispatch.models import Offer

        made = Offer.objects.filter(pk__in=self.offered).values_list("ticket_id", "pk")
        frames: dict[str, float] = {}
        for ticket, offer in made:
            at = self.offered[str(offer)]
            frames[str(ticket)] = min(at, frames.get(str(ticket), at))
        return sorted((at - self.posted[ticket]) * 1000 for ticket, at in frames.items())


@contextmanager
def populated(agents: int) -> Iterator[tuple[Platform, str, list[str]]]:
    """A platform, a client's key, and the sessions of this many available agents."""
    with servers.running():
        os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
        os.environ["SECRET_KEY"] = platforms.SECRET
        django.setup()
        key, sessions = populate(agents)
        with platforms.running("releve") as platform:
            yield platform, key, sessions


def populate(agents: int) -> tuple[str, list[str]]:
    """Rows of the benchmark: a client with a key, agents with a session each."""
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    from agents import presence
    from tests.factories import make_agent, make_card, make_client, make_key
    from tickets import clock

    client = make_client(slug="bench")
    make_card(client="bench")
    sessions = []
    for number in range(agents):
        agent = make_agent(f"Agent {number}", capacity=10, available=False)
        presence.go_available(agent, at=clock.now())
        sessions.append(session_of(agent.user))
    return make_key(client), sessions


def session_of(user: Any) -> str:
    """A logged-in session of this user."""
    from django.test import Client

    browser = Client()
    browser.force_login(user)
    return browser.cookies["session"].value


async def listen(platform: Platform, session: str, timings: Timings) -> None:
    """An agent's page: it beats, and notes the moment an offer is on its line."""
    address = platform.url.replace("http", "ws") + "/ws/desk/"
    headers = {"Cookie": f"session={session}"}
    async with websockets.connect(
        address, origin=platform.url, additional_headers=headers, compression=None
    ) as line:
        beats = asyncio.create_task(beat(line))
        try:
            async for frame in line:
                if found := CARD.search(str(frame)):
                    timings.offered.setdefault(found[1], time.perf_counter())
        finally:
            beats.cancel()


async def beat(line: websockets.ClientConnection) -> None:
    while True:
        await asyncio.sleep(random.uniform(9, 10))
        await line.send("{}")


async def escalate(http: httpx.AsyncClient, timings: Timings) -> None:
    """One customer asks for a human, and soon leaves."""
    started = time.perf_counter()
    answer = await http.post("/api/v1/escalations", headers=once(), json=escalation())
    answer.raise_for_status()
    ticket = answer.json()["ticket"]
    timings.posted[ticket] = started
    await asyncio.sleep(STAYS)
    await http.post(f"/api/v1/tickets/{ticket}/cancel", json={"reason": "left"})


def once() -> dict[str, str]:
    return {"idempotency-key": str(uuid.uuid4())}


def escalation() -> dict[str, object]:
    return {
        "version": 1,
        "conversation_ref": str(uuid.uuid4()),
        "customer": {"ref": "u-1", "name": "Mia K."},
        "language": "en",
        "topic": "card-not-arrived",
        "summary": "Card ordered two weeks ago, tracking says delivered.",
        "transcript": [
            {"role": "customer", "at": "2026-11-22T10:00:00Z", "text": "I want a human"}
        ],
    }


async def measure(
    platform: Platform, key: str, sessions: list[str], *, rate: float, seconds: float
) -> Timings:
    """Post at this rate for this long, while every agent's page listens."""
    timings = Timings()
    lines = [asyncio.create_task(listen(platform, session, timings)) for session in sessions]
    await asyncio.sleep(2)
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(base_url=platform.url, headers=headers, timeout=30) as http:
        asked = []
        for _ in range(int(rate * seconds)):
            asked.append(asyncio.create_task(escalate(http, timings)))
            await asyncio.sleep(random.expovariate(rate))
        await asyncio.gather(*asked)
    for line in lines:
        line.cancel()
    await asyncio.gather(*lines, return_exceptions=True)
    return timings


def summary(timings: Timings) -> dict[str, float]:
    took = timings.milliseconds()
    cuts = statistics.quantiles(took, n=100, method="inclusive")
    return {
        "posted": len(timings.posted),
        "offered": len(took),
        "p50": round(cuts[49], 1),
        "p95": round(cuts[94], 1),
        "p99": round(cuts[98], 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--agents", type=int, default=20)
    parser.add_argument("--rates", type=float, nargs="+", default=[5.0])
    parser.add_argument("--seconds", type=float, default=40)
    given = parser.parse_args()
    with populated(given.agents) as (platform, key, sessions):
        for rate in given.rates:
            timings = asyncio.run(
                measure(platform, key, sessions, rate=rate, seconds=given.seconds)
            )
            print(f"{rate:g}/s, {given.agents} agents: {json.dumps(summary(timings))}", flush=True)


if __name__ == "__main__":
    main()
