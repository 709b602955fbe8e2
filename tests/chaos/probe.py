"""The probe: once a second a customer asks in a language of its own, and a desk waits for the
offer. So it is seen from outside, and by people's measure, when the platform works again."""

import asyncio
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from uuid import UUID

import psycopg

from dispatch.loadtest.bot import BotActor
from dispatch.loadtest.browser import DeskBrowser
from dispatch.loadtest.fixtures import Fixtures
from dispatch.loadtest.history import HistoryStore
from dispatch.loadtest.http import HttpClient
from tests.chaos.platform import ChaosPlatform

LANGUAGE = "fi"
EVERY = 1.0
#: An offer within so many seconds is as usual: nobody who could serve waits longer beside somebody
#: who could be served (invariant L6).
USUAL = 5.0


@dataclass
class Ask:
    """One question: when it was asked, and when its offer was on a screen."""

    asked_at: float
    seen_at: float | None = None


@dataclass
class Probe:
    platform: ChaosPlatform
    fixtures: Fixtures
    asks: list[Ask] = field(default_factory=list)
    _waiting: dict[str, asyncio.Event] = field(default_factory=dict)
    _tasks: set[asyncio.Task] = field(default_factory=set)
    _over: threading.Event = field(default_factory=threading.Event)

    @property
    def folder(self) -> Path:
        return self.platform.folder / "books" / "probe"

    def __enter__(self) -> "Probe":
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_trouble: object) -> None:
        self._over.set()
        self._thread.join(30)

    def usual(self, *, for_s: float) -> bool:
        """Whether for so long every offer came as usual."""
        now = time.time()
        recent = [one for one in self.asks if one.asked_at > now - for_s - USUAL]
        settled = [one for one in recent if one.seen_at or one.asked_at < now - USUAL]
        pending = [one for one in self.asks if not one.seen_at and one.asked_at < now - USUAL]
        return len(settled) >= for_s / EVERY / 2 and not pending and not any(map(_slow, settled))

    def recovered_after(self, moment: float) -> float:
        """Seconds from this moment until offers came as usual again; 0: they always did."""
        slow = [one for one in self.asks if _slow(one) and (one.seen_at or moment) >= moment]
        return max((round((one.seen_at or time.time()) - moment, 1) for one in slow), default=0.0)

    def longest_wait(self, since: float) -> float:
        """Of an offer asked for since then (s)."""
        waits = [
            (one.seen_at or time.time()) - one.asked_at for one in self.asks if one.asked_at > since
        ]
        return round(max(waits, default=0.0), 1)

    async def _run(self) -> None:
        self._store = HistoryStore(self.folder)
        desks = [asyncio.create_task(self._watch(login)) for login, _spoken in self.fixtures.agents]
        headers = {"Authorization": f"Bearer {self.fixtures.api_key}"}
        http = HttpClient(self.platform.url, headers=headers, rng=Random(1))
        await asyncio.sleep(3)
        while not self._over.is_set():
            task = asyncio.create_task(self._ask(BotActor(http)))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            await asyncio.sleep(EVERY)
        for task in (*desks, *self._tasks):
            task.cancel()
        await asyncio.gather(*desks, *self._tasks, return_exceptions=True)

    async def _ask(self, bot: BotActor) -> None:
        ask = Ask(time.time())
        self.asks.append(ask)
        number = UUID(int=Random().getrandbits(128), version=4)
        body = {
            "version": 1,
            "conversation_ref": str(number),
            "customer": {"ref": "probe", "name": "Probe"},
            "language": LANGUAGE,
            "topic": "probe",
        }
        history = self._store.history("probe")
        if ticket := await bot.escalate(history, body, key=number):
            seen = self._waiting.setdefault(ticket, asyncio.Event())
            await seen.wait()
            ask.seen_at = ask.seen_at or time.time()
            await bot.cancel(history, ticket)
            self._waiting.pop(ticket, None)

    async def _watch(self, login: str) -> None:
        rng = Random(login)
        async with HttpClient(self.platform.url, rng=rng) as http:
            history = self._store.history(login)
            desk = DeskBrowser(http, (login, self.fixtures.password), history=history, rng=rng)
            await desk.log_in()
            await desk.open()
            await desk.set_presence("available")
            await attend(desk, seen=self._note, stay=True)

    def _note(self, offer: str) -> None:
        task = asyncio.create_task(self._tell(offer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _tell(self, offer: str) -> None:
        """The offer is on a screen: whoever asked for its ticket is answered."""
        while True:
            with suppress(psycopg.Error):
                ticket = await asyncio.to_thread(self._ticket_of, offer)
                break
            await asyncio.sleep(0.5)
        self._waiting.setdefault(ticket, asyncio.Event()).set()

    def _ticket_of(self, offer: str) -> str:
        query = "SELECT ticket_id::text FROM dispatch_offer WHERE id = %s"
        with psycopg.connect(self.platform.database_url, connect_timeout=2) as database:
            row = database.execute(query, [offer]).fetchone()
        return row[0] if row else ""


async def attend(
    desk: DeskBrowser, *, seen: Callable[[str], None] = lambda _offer: None, stay: bool = False
) -> None:
    """Show whatever is offered and answer nothing. `stay`: come back when found gone."""
    known: set[str] = set()
    while True:
        with suppress(TimeoutError):
            await asyncio.wait_for(desk.changed.wait(), 5)
        desk.changed.clear()
        if desk.is_stale:
            desk.is_stale = False
            await desk.refresh()
        if stay and desk.presence in ("offline", "away", "paused"):
            await desk.set_presence("available")
        for offer in [one for one in desk.offers if one not in known]:
            known.add(offer)
            await desk.show(offer)
            seen(offer)


def _slow(ask: Ask) -> bool:
    return (ask.seen_at or time.time()) - ask.asked_at > USUAL
