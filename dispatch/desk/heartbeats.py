"""The heart of a live server: gathers its pages' beats and renews their presence once a second.

A thousand pages cost a handful of queries a second, not a hundred requests. Each beat also asks
whether the session is still good: log-out or restriction closes the line within a beat. Which
offers are on a screen is gathered too, but written at once: a minute begins with it.

News may be lost on its way. So whoever has not shown an offer a second after it was sent is told to
ask: with Valkey gone and no worker alive, an offer is a matter of seconds all the same.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Coroutine
from datetime import datetime, timedelta
from itertools import starmap
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from channels.db import database_sync_to_async
from django.db import DatabaseError, connection
from psycopg_pool import PoolTimeout

from agents import presence
from agents.models import Agent
from dispatch import offers, sql
from dispatch.desk import state
from dispatch.operations import connections
from tickets import clock

logger = logging.getLogger(__name__)

EVERY = 1.0
#: Seconds in which what is shown gathers.
SOON = 0.2
#: A card that was not shown by then may never have arrived.
OVERDUE = timedelta(seconds=1)
VALID_SESSIONS_SQL = sql.read(__package__, "valid_sessions")
UNSHOWN_SQL = sql.read(__package__, "find_unshown")


class LiveSession(NamedTuple):
    """Who beats, and by which session."""

    agent_id: UUID
    session_key: str


class LivePage(Protocol):
    """An open page, as the heart knows it."""

    session: LiveSession | None

    async def answer(self, signature: str | None) -> None: ...

    async def ask_to_refresh(self) -> None: ...


class PageHeartbeats:
    """The open pages of this process, and what they said since it was written last."""

    def __init__(self) -> None:
        self._open: set[LivePage] = set()
        self._beating: set[LivePage] = set()
        self._shown: set[tuple[UUID, UUID]] = set()
        self._running: dict[tuple[asyncio.AbstractEventLoop, str], asyncio.Task[None]] = {}

    def beat(self, page: LivePage) -> None:
        """This page is alive; it is answered within a second."""
        self._open.add(page)
        self._beating.add(page)
        self._keep_going(self._renew_beats)
        self._keep_going(self._watch_unshown)

    def show(self, page: LivePage, offer_id: UUID) -> None:
        """This page shows this offer, as it says; it is written within a quarter of a second."""
        if page.session:
            self._shown.add((offer_id, page.session.agent_id))
            self._keep_going(self._write_shown)

    def stop(self, page: LivePage) -> None:
        """This page is gone."""
        self._open.discard(page)
        self._beating.discard(page)

    def _keep_going(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Start it on this loop, unless it runs there already."""
        loop = asyncio.get_running_loop()
        key = (loop, work.__name__)
        if key not in self._running or self._running[key].done():
            self._running[key] = loop.create_task(work())

    async def _write_shown(self) -> None:
        """Runs while there is anything to write."""
        while self._shown:
            await asyncio.sleep(SOON)
            batch = list(self._shown)
            self._shown.clear()
            try:
                await database_sync_to_async(acknowledge, thread_sensitive=False)(batch)
            except (DatabaseError, PoolTimeout) as broken:
                # The pages say it again with their next beat.
                logger.warning("shown offers lost: %s", type(broken).__name__)

    async def _renew_beats(self) -> None:
        """Runs while there is anything to renew."""
        while self._beating:
            pages = {page: page.session for page in self._beating if page.session}
            self._beating.clear()
            try:
                signatures = await database_sync_to_async(renew, thread_sensitive=False)(
                    set(pages.values()), sockets=len(self._open)
                )
            except (DatabaseError, PoolTimeout) as broken:
                # The pages hear nothing, beat again, and poll by HTTP meanwhile.
                logger.warning("beats lost: %s", type(broken).__name__)
            else:
                await asyncio.gather(
                    *(page.answer(signatures.get(pulse)) for page, pulse in pages.items()),
                    return_exceptions=True,
                )
            await asyncio.sleep(EVERY)

    async def _watch_unshown(self) -> None:
        """Runs while any page is open."""
        told: set[UUID] = set()
        while self._open:
            await asyncio.sleep(EVERY)
            try:
                unshown = await database_sync_to_async(find_unshown, thread_sensitive=False)()
            except (DatabaseError, PoolTimeout) as broken:
                logger.warning("offers not looked for: %s", type(broken).__name__)
                continue
            waiting = {agent for offer, agent in unshown.items() if offer not in told}
            told = set(unshown)
            pages = [
                page for page in self._open if page.session and page.session.agent_id in waiting
            ]
            await asyncio.gather(*(page.ask_to_refresh() for page in pages), return_exceptions=True)


#: The pages of this process.
PAGES = PageHeartbeats()
beat, show, stop = PAGES.beat, PAGES.show, PAGES.stop


def find_unshown() -> dict[UUID, UUID]:
    """Offers that should be on a screen by now and are on none, and whose they are."""
    given: dict[str, Any] = {"overdue": OVERDUE}
    with connection.cursor() as cursor:
        cursor.execute(UNSHOWN_SQL, given)
        return dict(cursor.fetchall())


def renew(pulses: Collection[LiveSession], *, sockets: int) -> dict[LiveSession, str]:
    """Renew the presence of all whose session still holds; the desk's signature of each."""
    at = clock.now()
    connections.report(sockets, at=at)
    good = _good(pulses, at=at)
    alive = {pulse.agent_id for pulse in good}
    presence.record_heartbeats(alive, at=at)
    words = state.signatures(alive)
    return {pulse: words[pulse.agent_id] for pulse in good}


def _good(pulses: Collection[LiveSession], *, at: datetime) -> list[LiveSession]:
    """Those whose session holds, of agents who may work."""
    given: dict[str, Any] = {
        "agents": [pulse.agent_id for pulse in pulses],
        "sessions": [pulse.session_key for pulse in pulses],
        "approved": Agent.Status.APPROVED,
        "at": at,
    }
    with connection.cursor() as cursor:
        cursor.execute(VALID_SESSIONS_SQL, given)
        return list(starmap(LiveSession, cursor.fetchall()))


def acknowledge(shown: Collection[tuple[UUID, UUID]]) -> None:
    """These offers are on their agents' screens; some agents want theirs accepted right away."""
    at = clock.now()
    offers.auto_accept(offers.show(shown, at=at), at=at)
