"""Batches the heartbeats of this process's open pages and renews presence once a second.

A thousand pages therefore cost a handful of queries a second, not a hundred requests. Each
heartbeat also checks the session: log-out or a restriction closes the WebSocket within one
heartbeat. Reports of displayed offers are batched too, but saved within a quarter of a second,
because the time to answer begins with them.

A push may be lost. A page that has not displayed an offer one second after it was sent is therefore
told to reload. With Valkey gone and no worker alive, an offer still arrives within seconds.
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
#: The interval in seconds at which displayed offers are saved.
SOON = 0.2
#: A card not displayed after this time may have been lost.
OVERDUE = timedelta(seconds=1)
VALID_SESSIONS_SQL = sql.read(__package__, "valid_sessions")
UNSHOWN_SQL = sql.read(__package__, "find_unshown")


class LiveSession(NamedTuple):
    """The agent and the login session of an open page."""

    agent_id: UUID
    session_key: str


class LivePage(Protocol):
    """An open page, as this module uses it."""

    session: LiveSession | None

    async def answer(self, signature: str | None) -> None: ...

    async def ask_to_refresh(self) -> None: ...


class PageHeartbeats:
    """The open pages of this process and their reports not yet saved."""

    def __init__(self) -> None:
        self._open: set[LivePage] = set()
        self._beating: set[LivePage] = set()
        self._shown: set[tuple[UUID, UUID]] = set()
        self._running: dict[tuple[asyncio.AbstractEventLoop, str], asyncio.Task[None]] = {}

    def beat(self, page: LivePage) -> None:
        """Record a heartbeat of this page; it is answered within a second."""
        self._open.add(page)
        self._beating.add(page)
        self._start(self._renew_beats)
        self._start(self._watch_unshown)

    def show(self, page: LivePage, offer_id: UUID) -> None:
        """Record that this page displays this offer; saved within a quarter of a second."""
        if page.session:
            self._shown.add((offer_id, page.session.agent_id))
            self._start(self._write_shown)

    def stop(self, page: LivePage) -> None:
        """Forget this page, because it was closed."""
        self._open.discard(page)
        self._beating.discard(page)

    def _start(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Start the task on this event loop, unless it runs already."""
        loop = asyncio.get_running_loop()
        key = (loop, work.__name__)
        if key not in self._running or self._running[key].done():
            self._running[key] = loop.create_task(work())

    async def _write_shown(self) -> None:
        """Run while displayed offers wait to be saved."""
        while self._shown:
            await asyncio.sleep(SOON)
            batch = list(self._shown)
            self._shown.clear()
            try:
                await database_sync_to_async(acknowledge, thread_sensitive=False)(batch)
            except (DatabaseError, PoolTimeout) as broken:
                # The pages report these offers again with their next heartbeat.
                logger.warning("could not save displayed offers: %s", type(broken).__name__)

    async def _renew_beats(self) -> None:
        """Run while heartbeats wait to be saved."""
        while self._beating:
            pages = {page: page.session for page in self._beating if page.session}
            self._beating.clear()
            try:
                signatures = await database_sync_to_async(renew, thread_sensitive=False)(
                    set(pages.values()), sockets=len(self._open)
                )
            except (DatabaseError, PoolTimeout) as broken:
                # The pages get no answer, send another heartbeat, and poll by HTTP meanwhile.
                logger.warning("could not save heartbeats: %s", type(broken).__name__)
            else:
                await asyncio.gather(
                    *(page.answer(signatures.get(session)) for page, session in pages.items()),
                    return_exceptions=True,
                )
            await asyncio.sleep(EVERY)

    async def _watch_unshown(self) -> None:
        """Run while any page is open."""
        notified: set[UUID] = set()
        while self._open:
            await asyncio.sleep(EVERY)
            try:
                unshown = await database_sync_to_async(find_unshown, thread_sensitive=False)()
            except (DatabaseError, PoolTimeout) as broken:
                logger.warning("could not look for offers not displayed: %s", type(broken).__name__)
                continue
            waiting = {agent for offer, agent in unshown.items() if offer not in notified}
            notified = set(unshown)
            pages = [
                page for page in self._open if page.session and page.session.agent_id in waiting
            ]
            await asyncio.gather(*(page.ask_to_refresh() for page in pages), return_exceptions=True)


#: The pages of this process.
PAGES = PageHeartbeats()
beat, show, stop = PAGES.beat, PAGES.show, PAGES.stop


def find_unshown() -> dict[UUID, UUID]:
    """Return the offers that should be displayed by now and are not, with their agents."""
    given: dict[str, Any] = {"overdue": OVERDUE}
    with connection.cursor() as cursor:
        cursor.execute(UNSHOWN_SQL, given)
        return dict(cursor.fetchall())


def renew(sessions: Collection[LiveSession], *, sockets: int) -> dict[LiveSession, str]:
    """Renew presence for every valid session; returns each agent's desk signature."""
    at = clock.now()
    connections.report(sockets, at=at)
    good = _select_valid(sessions, at=at)
    alive = {session.agent_id for session in good}
    presence.record_heartbeats(alive, at=at)
    by_agent = state.signatures(alive)
    return {session: by_agent[session.agent_id] for session in good}


def _select_valid(sessions: Collection[LiveSession], *, at: datetime) -> list[LiveSession]:
    """Return the heartbeats whose session is valid and whose agent may work."""
    given: dict[str, Any] = {
        "agents": [session.agent_id for session in sessions],
        "sessions": [session.session_key for session in sessions],
        "approved": Agent.Status.APPROVED,
        "at": at,
    }
    with connection.cursor() as cursor:
        cursor.execute(VALID_SESSIONS_SQL, given)
        return list(starmap(LiveSession, cursor.fetchall()))


def acknowledge(shown: Collection[tuple[UUID, UUID]]) -> None:
    """Mark these offers as displayed, and accept those of agents who accept automatically."""
    at = clock.now()
    offers.auto_accept(offers.show(shown, at=at), at=at)
