"""Checks all invariants every hour and records each violation.

A violation is stored, logged as an error and counted for Prometheus, by ids only. Rows finished
more than two days ago were checked then and are left out; `manage.py audit` checks every row.
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

__all__ = ["INVARIANTS", "count_findings", "get_last_run", "run", "run_when_due"]

log = structlog.get_logger("dispatch.audit")

EVERY = timedelta(hours=1)
RECENT = timedelta(days=2)
EVER = datetime(2000, 1, 1, tzinfo=UTC)
#: "audit" in ASCII: the process that holds this advisory lock runs the audit.
AUDITING = 0x6175646974
#: A finding about the audit itself.
UNCHECKED = "the query itself"


def run_when_due(*, at: datetime) -> bool:
    """Run the audit if the last completed one is an hour old. Safe to call from many processes."""
    with hold_audit_lock() as mine:
        due = mine and not AuditRun.objects.filter(at__gt=at - EVERY).exists()
        if due:
            run(Window(at, at - RECENT))
    return due


def run(window: Window) -> list[tuple[str, str]]:
    """Check every invariant; returns each violation as invariant and subject."""
    began = time.monotonic()
    found = [(name, subject) for name in INVARIANTS for subject in _find_subjects(name, window)]
    for name, subject in found:
        log.error("invariant broken", invariant=name, subject=subject)
    took = round((time.monotonic() - began) * 1000)
    with transaction.atomic():
        _save_findings(found, at=window.at)
        AuditRun.objects.create(at=window.at, breaches=len(found), took_ms=took)
    log.info("audit", invariants=len(INVARIANTS), breaches=len(found), took_ms=took)
    return found


def get_last_run() -> AuditRun | None:
    return AuditRun.objects.order_by("-at").first()


def count_findings() -> dict[str, int]:
    """Count the findings of the last audit by invariant."""
    last = get_last_run()
    if last is None:
        return {}
    seen = AuditFinding.objects.filter(last_seen_at__gte=last.at)
    return dict(seen.order_by().values_list("invariant").annotate(Count("pk")))


@contextmanager
def hold_audit_lock() -> Iterator[bool]:
    """Yield whether this process got the audit lock. The lock ends with the process."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [AUDITING])
        mine = bool(cursor.fetchone()[0])
        try:
            yield mine
        finally:
            if mine:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [AUDITING])


def _find_subjects(name: str, window: Window) -> list[str]:
    """Return the subjects that break this invariant. A failed query is a finding too."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = '5min'")
            return invariants.find_subjects(INVARIANTS[name], window)
    except DatabaseError:
        log.exception("an invariant can't be checked", invariant=name)
        return [UNCHECKED]


def _save_findings(found: list[tuple[str, str]], *, at: datetime) -> None:
    """Save the findings; a known finding keeps the time it was first seen."""
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
