"""The queue as a customer sees it: position and expected wait."""

from datetime import datetime, timedelta
from statistics import median
from typing import NamedTuple

from django.core.cache import cache
from django.db import connection
from django.db.models import F

from tickets import opening_hours, sql
from tickets.models import Ticket
from tickets.signals import wait_asked

COUNT_AHEAD_SQL = sql.read(__package__, "count_ahead")
ORDERED_BY = ("language", "urgency", "due_at")
RECENT = timedelta(hours=1)
SAMPLE = 50
CLOSED = "closed"


class Wait(NamedTuple):
    """The expected wait in seconds, as median and 90th percentile, or why it is unknown."""

    p50: int | None = None
    p90: int | None = None
    unknown: str = ""


def get_position(ticket: Ticket) -> int | None:
    """The position in the queue of this language, 1 for the next; None if it is not queued."""
    if ticket.status != Ticket.Status.QUEUED:
        return None
    with connection.cursor() as cursor:
        cursor.execute(COUNT_AHEAD_SQL, {name: getattr(ticket, name) for name in ORDERED_BY})
        ahead: int = cursor.fetchone()[0]
    return ahead + 1


def estimate_wait(ticket: Ticket, *, at: datetime) -> Wait:
    """Estimate how long this ticket will wait from now on.

    The estimate comes from the receivers of `wait_asked`, which know the agents. If none answers
    or one fails, it is the median of recent waits in this language, so that a failed estimate
    never stops an escalation. While the client is closed there is no estimate.
    """
    if ticket.status != Ticket.Status.QUEUED:
        return Wait()
    if not opening_hours.get_state(opening_hours.get_hours(ticket.client), at=at).open:
        return Wait(unknown=CLOSED)
    answers = wait_asked.send_robust(Ticket, ticket=ticket, at=at)
    known = (answer for _receiver, answer in answers if isinstance(answer, Wait))
    return next(known, None) or _estimate_from_recent(ticket, at=at)


def quote_wait(ticket: Ticket, *, at: datetime) -> Ticket:
    """Store the quoted wait on a new ticket, so that it can be compared with the real one."""
    ticket.quoted_p50_s, ticket.quoted_p90_s, _unknown = estimate_wait(ticket, at=at)
    return ticket


def get_opening(ticket: Ticket, *, at: datetime) -> datetime | None:
    """When the client opens, for a ticket queued while it is closed."""
    if ticket.status != Ticket.Status.QUEUED:
        return None
    return opening_hours.get_state(opening_hours.get_hours(ticket.client), at=at).opens_at


def _estimate_from_recent(ticket: Ticket, *, at: datetime) -> Wait:
    """The median of this language's recent waits, minus the time this ticket has waited."""
    key = f"wait:{ticket.language}"
    typical = cache.get(key, False)
    if typical is False:
        typical = _read_median_wait(ticket.language, at=at)
        cache.set(key, typical, timeout=5)
    if typical is None:
        return Wait(unknown="no_waits_known")
    return Wait(p50=max(int(typical - (at - ticket.queued_at).total_seconds()), 0))


def _read_median_wait(language: str, *, at: datetime) -> float | None:
    answered = Ticket.objects.filter(language=language, answered_at__gt=at - RECENT)
    waits = answered.order_by("-answered_at").values_list(F("answered_at") - F("queued_at"))
    seconds = [wait.total_seconds() for (wait,) in waits[:SAMPLE]]
    return median(seconds) if seconds else None
