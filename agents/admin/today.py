"""Presence and work of today for a whole page of agents, in a few queries."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.db.models import Case, CharField, Prefetch, Q, QuerySet, Value, When
from django.utils.translation import gettext_lazy as _

from agents.models import JournalEntry, JournalLine, Presence, PresenceSpan
from agents.models.presence import SILENCE

#: Longer than any day, including the day when clocks go back.
LONGEST_DAY = timedelta(hours=26)
STATES = {
    "available": _("available"),
    "busy": _("busy"),
    "away": _("away"),
    "silent": _("silent"),
    "offline": _("offline"),
}


def state_conditions(*, at: datetime) -> dict[str, Q]:
    """The condition of each state of an agent; an agent who meets none is offline."""
    Status = Presence.Status
    heard = Q(presence__seen_at__gt=at - SILENCE)
    available = Q(presence__status=Status.AVAILABLE) & heard
    here = Q(presence__status__in=[Status.AVAILABLE, Status.AWAY])
    unheard = Q(presence__seen_at=None) | Q(presence__seen_at__lte=at - SILENCE)
    return {
        "available": available & Q(presence__load=0),
        "busy": available & Q(presence__load__gt=0),
        "away": Q(presence__status=Status.AWAY) & heard,
        "silent": here & unheard,
    }


def annotate_state(agents: QuerySet[Any], *, at: datetime) -> QuerySet[Any]:
    """Annotate each agent with its `state`."""
    cases = [
        When(condition, then=Value(name)) for name, condition in state_conditions(at=at).items()
    ]
    state = Case(*cases, default=Value("offline"), output_field=CharField())
    stated: QuerySet[Any] = agents.annotate(state=state)
    return stated


def prefetch_today(agents: QuerySet[Any], *, at: datetime) -> QuerySet[Any]:
    """Prefetch the spans and journal entries of today for `sum_hours` and `sum_earnings`."""
    recent = Q(ended_at=None) | Q(ended_at__gt=at - LONGEST_DAY)
    spans = PresenceSpan.objects.filter(recent).order_by("started_at")
    lines = JournalLine.objects.filter(account__startswith="agent:")
    entries = JournalEntry.objects.filter(occurred_at__gt=at - LONGEST_DAY)
    ready: QuerySet[Any] = agents.prefetch_related(
        Prefetch("spans", spans, to_attr="recent_spans"),
        Prefetch(
            "journal", entries.prefetch_related(Prefetch("lines", lines)), to_attr="recent_entries"
        ),
    )
    return ready


def find_midnight(time_zone: str, *, at: datetime) -> datetime:
    """The start of today in the agent's time zone."""
    try:
        zone = ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        zone = ZoneInfo("UTC")
    return at.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)


def sum_hours(agent: Any, *, at: datetime) -> timedelta:
    """The agent's time online today, breaks included."""
    start = find_midnight(agent.time_zone, at=at)
    stretches = ((span.ended_at or at) - max(span.started_at, start) for span in agent.recent_spans)
    return sum((max(stretch, timedelta()) for stretch in stretches), timedelta())


def sum_earnings(agent: Any, *, at: datetime) -> dict[str, int]:
    """The agent's earnings of today, in minor units by currency."""
    start = find_midnight(agent.time_zone, at=at)
    sums: Counter[str] = Counter()
    for entry in agent.recent_entries:
        if entry.occurred_at >= start:
            for line in entry.lines.all():
                sums[line.currency] -= line.amount
    return dict(sums)
