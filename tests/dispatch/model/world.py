"""The surroundings of the state machine. The verbs and the database are real.

Everything uncertain is controlled by the test: time, broker, bot, dying processes, locked rows.

Time is controlled by replacing PostgreSQL's clock. The functions of the schema `drawn` come before
those of `pg_catalog` in this connection's search path, so every `clock_timestamp()` and `Now()`,
in triggers too, reads one setting. Moving rows into the past instead would need a list of all
timestamp columns, which the next one added would make wrong silently, and the journal refuses it.
Time stands still until `pass_time`, so a test hits a deadline to the microsecond.
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
from dispatch.realtime.background_job import BackgroundJob
from dispatch.realtime.wake_signal import WakeSignal
from dispatch.tasks import run_until_idle
from tickets.errors import TicketError
from tickets.events import outbound_http, outbox
from tickets.events.outbound_http import DeliveryAnswer

START = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
#: How much older than the database's clock a caller's `at` may be, because it waited for a lock.
LAG = timedelta(seconds=2)
#: Seconds after which processes drop cached policies and rate cards.
CACHE_SECONDS = 5
REFUSALS = (TicketError, DispatchError, AgentError)
CLOCKS = ("clock_timestamp", "statement_timestamp", "transaction_timestamp", "now")
DRAWN = "CREATE SCHEMA IF NOT EXISTS drawn;" + "".join(
    f"""CREATE OR REPLACE FUNCTION drawn.{name}() RETURNS timestamptz LANGUAGE sql STABLE
    AS $$ SELECT current_setting('drawn.now')::timestamptz $$;"""
    for name in CLOCKS
)


class Broken(AssertionError):
    """An invariant is broken."""


class Crash(BaseException):
    """The process died here. It is a BaseException, so no error handling catches it."""


class Broker:
    """A broker that keeps hints, so that the test delivers, loses, doubles or reorders them."""

    def __init__(self) -> None:
        self.kept: list[Callable[[], Any]] = []

    def publish(self, channel: str, message: bytes) -> None:
        """Drop a push, because the machine decides what pages show."""
        check_outside_transaction("a push")

    def enqueue(self, task: Task) -> None:
        check_outside_transaction("a hint")
        self.kept.append(outbox.deliver_due)

    def wake(self, signal: WakeSignal, task: Task, work: Callable[[], object]) -> None:
        check_outside_transaction("a hint")
        self.kept.append(run_until_idle)

    def refresh(self, job: BackgroundJob) -> None:
        """Do nothing: time stands still, so what was read before is still right."""


class Bot:
    """The client's webhook receiver: up, down, or deaf (it receives, but its answer is lost)."""

    def __init__(self) -> None:
        self.mood = "up"
        self.known: set[str] = set()
        self.newest: dict[str, int] = {}
        self.received: set[tuple[str, str]] = set()

    def post(self, url: str, body: bytes, headers: dict[str, str]) -> DeliveryAnswer:
        check_outside_transaction("a webhook")
        if self.mood == "down":
            return DeliveryAnswer(error="ConnectTimeout")
        if headers["webhook-id"] not in self.known:
            self.known.add(headers["webhook-id"])
            self._record(json.loads(body))
        return (
            DeliveryAnswer(status=204) if self.mood == "up" else DeliveryAnswer(error="ReadTimeout")
        )

    def _record(self, news: dict[str, Any]) -> None:
        ticket, version = news["data"]["ticket"], news["data"]["version"]
        if version <= self.newest.get(ticket, 0):
            raise Broken(f"S14 version {version} came after {self.newest[ticket]}")
        self.newest[ticket] = version
        self.received.add((ticket, news["type"]))


class World:
    """The database and its surroundings. Every step goes through `act`."""

    def __init__(self) -> None:
        self.now = START
        self.broker, self.bot = Broker(), Bot()
        #: The statement or commit, counted from the next step's first, at which the process dies.
        self.dies_at: int | None = None
        #: Table and key of a row that another connection locks during the next step.
        self.held: tuple[str, UUID] | None = None
        self._other = connection.copy()

    def begin(self) -> None:
        wipe()
        set_session(f"{DRAWN} SET lock_timeout = 40; SET search_path = drawn, public, pg_catalog")
        self._set_time()

    def end(self) -> None:
        self._other.close()
        set_session("RESET search_path; RESET lock_timeout")

    def pass_time(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        self._set_time()
        if seconds >= CACHE_SECONDS:
            cache.clear()

    def act(self, verb: Callable[[datetime], Any], *, lag: bool = False) -> Any:
        """Run a verb. Returns its result, the code of its refusal, "died" or "busy"."""
        with self._with_faults():
            try:
                return verb(self.now - LAG if lag else self.now)
            except REFUSALS as refusal:
                return refusal.code
            except Crash:
                drop_hooks()
                return "died"
            except OperationalError:
                if not self.held:
                    raise
                return "busy"

    def end_faults(self) -> None:
        """End all faults. Agents may still stay silent."""
        self.dies_at = self.held = None
        self.bot.mood = "up"

    @contextmanager
    def _with_faults(self) -> Iterator[None]:
        try:
            with locked(self._other, self.held), dying(self.dies_at):
                yield
        finally:
            self.dies_at = self.held = None

    def _set_time(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('drawn.now', %s, false)", [self.now.isoformat()])


@contextmanager
def replace_surroundings(world: World) -> Iterator[World]:
    """Send hints and webhooks to this world's broker and bot."""
    with pytest.MonkeyPatch.context() as patch:
        count_ids(patch)
        patch.setattr(notifier, "get_engine", lambda: world.broker)
        patch.setattr(outbound_http, "post", world.bot.post)
        # Refusals are half of all responses here, so they are not logged.
        patch.setattr(logging.getLogger("django.request"), "disabled", True)
        world.begin()
        try:
            yield world
        finally:
            world.end()


def count_ids(patch: pytest.MonkeyPatch) -> None:
    """Count ids instead of drawing them, so that a second run breaks ties the same way."""
    numbers = count(1)
    for model in models():
        key: Any = model._meta.pk
        if isinstance(key, UUIDField):
            patch.setitem(vars(key), "_get_default", lambda: UUID(int=next(numbers)))


@contextmanager
def locked(other: Any, row: tuple[str, UUID] | None) -> Iterator[None]:
    """Lock this row from another connection meanwhile."""
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
    """Die at this statement or commit. A commit stands, but its hooks do not run."""
    if countdown is None:
        yield
        return
    left = iter(range(countdown))

    def die_if_due() -> None:
        if next(left, None) is None:
            raise Crash

    def before(execute: Callable[..., Any], *given: Any) -> Any:
        die_if_due()
        return execute(*given)

    def after_commit() -> None:
        die_if_due()
        run_hooks()

    run_hooks = connection.run_and_clear_commit_hooks
    with connection.execute_wrapper(before), pytest.MonkeyPatch.context() as patch:
        patch.setattr(connections[DEFAULT_DB_ALIAS], "run_and_clear_commit_hooks", after_commit)
        yield


def drop_hooks() -> None:
    """Drop the commit hooks, as a dead process does."""
    connection.run_on_commit = []
    connection.run_commit_hooks_on_set_autocommit_on = False


def check_outside_transaction(what: str) -> None:
    if connection.in_atomic_block:
        raise Broken(f"S16 {what} leaves inside a transaction")


def set_session(statements: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statements)


def models() -> list[type[Model]]:
    ours = [apps.get_app_config(app) for app in ("agents", "tickets", "dispatch")]
    return [model for app in ours for model in app.get_models()]


def wipe() -> None:
    """Empty all tables except the first policy.

    It runs as a replica, because the journal's trigger refuses deletion. DELETE is much quicker
    than TRUNCATE on small tables.
    """
    tables = [model._meta.db_table for model in models() if model is not PolicyVersion]
    emptied = "".join(f"DELETE FROM {table};" for table in tables)
    newer = "DELETE FROM dispatch_policyversion WHERE version > 1;"
    set_session(f"SET session_replication_role = replica; {emptied} {newer}")
    set_session("SET session_replication_role = origin")
    cache.clear()
