"""The queue as a customer sees it: my place in it, and how long it will take."""

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
    """Seconds within which half, and nine of ten, such customers are answered; or why unknown."""

    p50: int | None = None
    p90: int | None = None
    unknown: str = ""


def position(ticket: Ticket) -> int | None:
    """1 for the next to be served in this language; None once it waits no more."""
    if ticket.status != Ticket.Status.QUEUED:
        return None
    with connection.cursor() as cursor:
        cursor.execute(COUNT_AHEAD_SQL, {name: getattr(ticket, name) for name in ORDERED_BY})
        ahead: int = cursor.fetchone()[0]
    return ahead + 1


def wait(ticket: Ticket, *, at: datetime) -> Wait:
    """How long this ticket will wait from now on, by whoever knows supply.

    Nothing is promised for the hours a client is closed. When nobody knows, or knowing fails (an
    estimate never costs an escalation), it is what this language waited of late.
    """
    if ticket.status != Ticket.Status.QUEUED:
        return Wait()
    if not opening_hours.look(opening_hours.of(ticket.client), at=at).open:
        return Wait(unknown=CLOSED)
    told = wait_asked.send_robust(Ticket, ticket=ticket, at=at)
    known = (answer for _receiver, answer in told if isinstance(answer, Wait))
    return next(known, None) or _usual(ticket, at=at)


def promised(ticket: Ticket, *, at: datetime) -> Ticket:
    """This new ticket, with the wait its customer is told, so that it can be held against us."""
    ticket.quoted_p50_s, ticket.quoted_p90_s, _unknown = wait(ticket, at=at)
    return ticket


def opens_at(ticket: Ticket, *, at: datetime) -> datetime | None:
    """For who waits while the client is closed: when it opens."""
    if ticket.status != Ticket.Status.QUEUED:
        return None
    return opening_hours.look(opening_hours.of(ticket.client), at=at).opens_at


def _usual(ticket: Ticket, *, at: datetime) -> Wait:
    """The median of this language's recent waits, less what this one has waited."""
    key = f"wait:{ticket.language}"
    typical = cache.get(key, False)
    if typical is False:
        typical = _median_wait(ticket.language, at=at)
        cache.set(key, typical, timeout=5)
    if typical is None:
        return Wait(unknown="no_waits_known")
    return Wait(p50=max(int(typical - (at - ticket.queued_at).total_seconds()), 0))


def _median_wait(language: str, *, at: datetime) -> float | None:
    answered = Ticket.objects.filter(language=language, answered_at__gt=at - RECENT)
    waits = answered.order_by("-answered_at").values_list(F("answered_at") - F("queued_at"))
    seconds = [wait.total_seconds() for (wait,) in waits[:SAMPLE]]
    return median(seconds) if seconds else None
