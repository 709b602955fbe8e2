"""The queue as a customer sees it: my place in it, and how long it will take."""

from datetime import datetime, timedelta
from statistics import median

from django.core.cache import cache
from django.db import connection
from django.db.models import F

from tickets.models import Ticket

# A plain statement: every escalation asks it, within the one that opens the ticket.
AHEAD = """
SELECT count(*) FROM tickets_ticket WHERE status = 'queued' AND language = %(language)s
    AND (urgency > %(urgency)s OR (urgency = %(urgency)s AND due_at < %(due_at)s))
"""
ORDERED_BY = ("language", "urgency", "due_at")
RECENT = timedelta(hours=1)
SAMPLE = 50


def position(ticket: Ticket) -> int | None:
    """1 for the next to be served in this language; None once it waits no more."""
    if ticket.status != Ticket.Status.QUEUED:
        return None
    with connection.cursor() as cursor:
        cursor.execute(AHEAD, {name: getattr(ticket, name) for name in ORDERED_BY})
        ahead: int = cursor.fetchone()[0]
    return ahead + 1


def expected_wait(ticket: Ticket, *, at: datetime) -> int | None:
    """The median of this language's recent waits, in seconds; None while there are none."""
    if ticket.status != Ticket.Status.QUEUED:
        return None
    key = f"wait:{ticket.language}"
    typical = cache.get(key, False)
    if typical is False:
        typical = _median_wait(ticket.language, at=at)
        cache.set(key, typical, timeout=5)
    if typical is None:
        return None
    return max(int(typical - (at - ticket.queued_at).total_seconds()), 0)


def _median_wait(language: str, *, at: datetime) -> float | None:
    answered = Ticket.objects.filter(language=language, answered_at__gt=at - RECENT)
    waits = answered.order_by("-answered_at").values_list(F("answered_at") - F("queued_at"))
    seconds = [wait.total_seconds() for (wait,) in waits[:SAMPLE]]
    return median(seconds) if seconds else None
