"""The world the machine plays in: the real verbs on the real database, and all that is uncertain
around them made a choice: the time, the broker, the bot, dying processes, rows somebody holds.

Time is drawn by standing in for PostgreSQL's clock: the functions of the schema `drawn` come before
those of `pg_catalog` in this connection's search path, so that every `clock_timestamp()` and
`Now()`, triggers' too, reads one setting. Moving rows into the past instead would need a list of
all columns that hold a moment, silently wrong with the next one added, and the journal refuses it.
It stands still until told to pass, so a deadline is hit to the microsecond.
"""

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

import pytest
from celery import Task
from django.apps import apps
from django.core.cache import cache
from django.db import DEFAULT_DB_ALIAS, OperationalError, connection, connections
from django.db.models import Model, UUIDField

from agents.errors import AgentError
from dispatch.errors import DispatchError
from dispatch.models import PolicyVersion
from dispatch.realtime import notifier
from dispatch.realtime.background import BackgroundJob
from dispatch.realtime.wakeup import WakeSignal
from dispatch.tasks import run_until_idle
from tickets.errors import TicketError
from tickets.events import outbound_http, outbox
from tickets.events.outbound_http import DeliveryAnswer

START = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
#: So much older than the database's clock a caller's `at` may be: it waited for a lock.
LAG = timedelta(seconds=2)
#: What processes remember of policies and rate cards they forget after so many seconds.
REMEMBERED = 5
REFUSALS = (TicketError, DispatchError, AgentError)
CLOCKS = ("clock_timestamp", "statement_timestamp", "transaction_timestamp", "now")
DRAWN = "CREATE SCHEMA IF NOT EXISTS drawn;" + "".join(
    f"""CREATE OR REPLACE FUNCTION drawn.{name}() RETURNS timestamptz LANGUAGE sql STABLE
    AS $$ SELECT current_setting('drawn.now')::timestamptz $$;"""
    for name in CLOCKS
)


class Broken(AssertionError):
    """Something that must always hold, or hold again by now, does not."""


class Crash(BaseException):
    """The process died here: nothing that catches errors sees it."""


class Broker:
    """Carries hints, or loses, doubles and reorders them: whoever plays decides."""

    def __init__(self) -> None:
        self.kept: list[Callable[[], Any]] = []

    def publish(self, channel: str, message: bytes) -> None:
        """News for a screen: here nobody looks, what screens show is drawn."""
        only_outside_transactions("a push")

    def enqueue(self, task: Task) -> None:
        only_outside_transactions("a hint")
        self.kept.append(outbox.deliver_due)

    def wake(self, signal: WakeSignal, task: Task, work: Callable[[], object]) -> None:
        only_outside_transactions("a hint")
        self.kept.append(run_until_idle)

    def refresh(self, job: BackgroundJob) -> None:
        """What was read before is as new as anything here: time stands still."""


class Bot:
    """The client's end of the webhooks. It is up, or down, or takes news and its answer is lost."""

    def __init__(self) -> None:
        self.mood = "up"
        self.known: set[str] = set()
        self.newest: dict[str, int] = {}
        self.told: set[tuple[str, str]] = set()

    def post(self, url: str, body: bytes, headers: dict[str, str]) -> DeliveryAnswer:
        only_outside_transactions("a webhook")
        if self.mood == "down":
            return DeliveryAnswer(error="ConnectTimeout")
        if headers["webhook-id"] not in self.known:
            self.known.add(headers["webhook-id"])
            self._learn(json.loads(body))
        return (
            DeliveryAnswer(status=204) if self.mood == "up" else DeliveryAnswer(error="ReadTimeout")
        )

    def _learn(self, news: dict[str, Any]) -> None:
        ticket, version = news["data"]["ticket"], news["data"]["version"]
        if version <= self.newest.get(ticket, 0):
            raise Broken(f"S14 version {version} came after {self.newest[ticket]}")
        self.newest[ticket] = version
        self.told.add((ticket, news["type"]))


class World:
    """The database with what surrounds it; `act` is the only way anything happens."""

    def __init__(self) -> None:
        self.now = START
        self.broker, self.bot = Broker(), Bot()
        #: The statement or commit, counted from the next act's first, that a process dies at.
        self.dies_at: int | None = None
        #: Table and key of a row somebody else locks during the next act.
        self.held: tuple[str, UUID] | None = None
        self._other = connection.copy()

    def begin(self) -> None:
        wipe()
        set_session(f"{DRAWN} SET lock_timeout = 40; SET search_path = drawn, public, pg_catalog")
        self._tell_time()

    def end(self) -> None:
        self._other.close()
        set_session("RESET search_path; RESET lock_timeout")

    def pass_time(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        self._tell_time()
        if seconds >= REMEMBERED:
            cache.clear()

    def act(self, verb: Callable[[datetime], Any], *, lag: bool = False) -> Any:
        """What the verb answers, or the code of its refusal, "died" or "busy"."""
        with self._interfered():
            try:
                return verb(self.now - LAG if lag else self.now)
            except REFUSALS as refusal:
                return refusal.code
            except Crash:
                forget_hooks()
                return "died"
            except OperationalError:
                if not self.held:
                    raise
                return "busy"

    def faultless(self) -> None:
        """From now on nothing goes wrong but that agents may stay silent."""
        self.dies_at = self.held = None
        self.bot.mood = "up"

    @contextmanager
    def _interfered(self) -> Iterator[None]:
        try:
            with locked(self._other, self.held), dying(self.dies_at):
                yield
        finally:
            self.dies_at = self.held = None

    def _tell_time(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('drawn.now', %s, false)", [self.now.isoformat()])


@contextmanager
def surroundings(world: World) -> Iterator[World]:
    """Hints and webhooks go to this world's broker and bot."""
    with pytest.MonkeyPatch.context() as patch:
        count_ids(patch)
        patch.setattr(notifier, "get_engine", lambda: world.broker)
        patch.setattr(outbound_http, "post", world.bot.post)
        # Refusals are half of what happens here.
        patch.setattr(logging.getLogger("django.request"), "disabled", True)
        world.begin()
        try:
            yield world
        finally:
            world.end()


def count_ids(patch: pytest.MonkeyPatch) -> None:
    """Ids are counted, not random: where two fit equally well, a second run picks the same one."""
    numbers = count(1)
    for model in models():
        key: Any = model._meta.pk
        if isinstance(key, UUIDField):
            patch.setitem(vars(key), "_get_default", lambda: UUID(int=next(numbers)))


@contextmanager
def locked(other: Any, row: tuple[str, UUID] | None) -> Iterator[None]:
    """Another connection holds this row's lock meanwhile."""
    if not row:
        yield
        return
    table, key = row
    column = "agent_id" if table == "agents_presence" else "id"
    other.set_autocommit(False)
    try:
        with other.cursor() as cursor:
            cursor.execute(f"SELECT 1 FROM {table} WHERE {column} = %s FOR UPDATE", [key])
        yield
    finally:
        other.rollback()


@contextmanager
def dying(countdown: int | None) -> Iterator[None]:
    """The process dies at this statement or commit: a commit stands, but its hints are lost."""
    if countdown is None:
        yield
        return
    left = iter(range(countdown))

    def live_on() -> None:
        if next(left, None) is None:
            raise Crash

    def before(execute: Callable[..., Any], *given: Any) -> Any:
        live_on()
        return execute(*given)

    def after_commit() -> None:
        live_on()
        run_hooks()

    run_hooks = connection.run_and_clear_commit_hooks
    with connection.execute_wrapper(before), pytest.MonkeyPatch.context() as patch:
        patch.setattr(connections[DEFAULT_DB_ALIAS], "run_and_clear_commit_hooks", after_commit)
        yield


def forget_hooks() -> None:
    """What a process would have done after its commit dies with it."""
    connection.run_on_commit = []
    connection.run_commit_hooks_on_set_autocommit_on = False


def only_outside_transactions(what: str) -> None:
    if connection.in_atomic_block:
        raise Broken(f"S16 {what} leaves inside a transaction")


def set_session(statements: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statements)


def models() -> list[type[Model]]:
    ours = [apps.get_app_config(app) for app in ("agents", "tickets", "dispatch")]
    return [model for app in ours for model in app.get_models()]


def wipe() -> None:
    """An empty database, but for the first policy. As a replica: the journal refuses deletion, and
    emptying small tables row by row is much quicker than TRUNCATE."""
    tables = [model._meta.db_table for model in models() if model is not PolicyVersion]
    emptied = "".join(f"DELETE FROM {table};" for table in tables)
    newer = "DELETE FROM dispatch_policyversion WHERE version > 1;"
    set_session(f"SET session_replication_role = replica; {emptied} {newer}")
    set_session("SET session_replication_role = origin")
    cache.clear()
