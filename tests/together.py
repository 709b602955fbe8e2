"""Concurrent calls, each on its own thread and connection, like calls of different processes."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from django.db import connection, transaction

from tickets.models import Ticket


def run_together(*calls: Callable[[], Any]) -> list[Any]:
    """The result of each call, or the code of its refusal; other errors are raised."""
    start = threading.Barrier(len(calls))

    def call_one(call: Callable[[], Any]) -> Any:
        start.wait(timeout=10)
        return call_or_code(call)

    with ThreadPoolExecutor(len(calls)) as threads:
        running = [threads.submit(call_one, call) for call in calls]
        return [one.result(timeout=30) for one in running]


def call_or_code(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except Exception as refusal:
        if code := getattr(refusal, "code", None):
            return code
        raise
    finally:
        connection.close()


@contextmanager
def while_locked(ticket: Ticket, call: Callable[[], Any]) -> Iterator["Future[Any]"]:
    """Run the call on another thread; it waits for this ticket's lock until the block ends."""
    with ThreadPoolExecutor(1) as threads:
        with transaction.atomic():
            Ticket.objects.select_for_update().get(pk=ticket.pk)
            running = threads.submit(call_or_code, call)
            await_lock_wait()
            yield running
        running.exception(timeout=10)


def await_lock_wait() -> None:
    """Wait until a connection waits for a lock."""
    blocked = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    for _ in range(500):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            cursor.execute(blocked)
            row = cursor.fetchone()
        if row and row[0]:
            return
        threading.Event().wait(0.01)
    raise AssertionError("no connection waits for the lock")
