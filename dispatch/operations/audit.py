"""The audit: every hour all invariants are looked at, and whatever breaks one is written down.

Written here, logged as an error and counted for Prometheus, by ids only. Rows that were done with
two days ago were looked at then; `manage.py audit` looks at all there are.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import structlog
from django.db import DatabaseError, connection, transaction
from django.db.models import Count

from dispatch.models import AuditFinding, AuditRun
from dispatch.operations import invariants
from dispatch.operations.invariants import INVARIANTS, Window

__all__ = ["INVARIANTS", "last_run", "run", "run_when_due", "standing"]

log = structlog.get_logger("dispatch.audit")

EVERY = timedelta(hours=1)
RECENT = timedelta(days=2)
EVER = datetime(2000, 1, 1, tzinfo=UTC)
#: "audit" in ASCII: who holds this advisory lock is auditing.
AUDITING = 0x6175646974
#: A finding about the audit itself.
UNCHECKED = "the query itself"


def run_when_due(*, at: datetime) -> bool:
    """Audit if the last one that was completed is an hour old. Any number may ask: one does."""
    with alone() as mine:
        due = mine and not AuditRun.objects.filter(at__gt=at - EVERY).exists()
        if due:
            run(Window(at, at - RECENT))
    return due


def run(window: Window) -> list[tuple[str, str]]:
    """Look at all; returns what is broken as invariant and subject."""
    began = time.monotonic()
    found = [(name, subject) for name in INVARIANTS for subject in _broken(name, window)]
    for name, subject in found:
        log.error("invariant broken", invariant=name, subject=subject)
    took = round((time.monotonic() - began) * 1000)
    with transaction.atomic():
        _keep(found, at=window.at)
        AuditRun.objects.create(at=window.at, breaches=len(found), took_ms=took)
    log.info("audit", invariants=len(INVARIANTS), breaches=len(found), took_ms=took)
    return found


def last_run() -> AuditRun | None:
    return AuditRun.objects.order_by("-at").first()


def standing() -> dict[str, int]:
    """How many the last audit found, by invariant."""
    last = last_run()
    if last is None:
        return {}
    seen = AuditFinding.objects.filter(last_seen_at__gte=last.at)
    return dict(seen.order_by().values_list("invariant").annotate(Count("pk")))


@contextmanager
def alone() -> Iterator[bool]:
    """Whether nobody else is auditing; a process that dies leaves it to the next."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [AUDITING])
        mine = bool(cursor.fetchone()[0])
        try:
            yield mine
        finally:
            if mine:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [AUDITING])


def _broken(name: str, window: Window) -> list[str]:
    """A query that fails tells nothing of its invariant, which is a finding too."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = '5min'")
            return invariants.subjects(INVARIANTS[name], window)
    except DatabaseError:
        log.exception("an invariant can't be checked", invariant=name)
        return [UNCHECKED]


def _keep(found: list[tuple[str, str]], *, at: datetime) -> None:
    """A known finding keeps the moment it was first seen."""
    rows = [
        AuditFinding(invariant=name, subject=subject, seen_at=at, last_seen_at=at)
        for name, subject in found
    ]
    AuditFinding.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["invariant", "subject"],
        update_fields=["last_seen_at"],
    )
