"""Today's presence and work of all agents on a page, in a few queries."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.db.models import Case, CharField, Prefetch, Q, QuerySet, Value, When
from django.utils.translation import gettext_lazy as _

from agents.models import JournalEntry, JournalLine, Presence, PresenceSpan
from agents.models.presence import SILENCE

#: Longer than any day, also the one on which clocks go back.
A_DAY = timedelta(hours=26)
STATES = {
    "available": _("available"),
    "busy": _("busy"),
    "away": _("away"),
    "silent": _("silent"),
    "offline": _("offline"),
}


def states(*, at: datetime) -> dict[str, Q]:
    """What makes an agent available, busy, away, silent; whoever is none of them is offline."""
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


def with_state(agents: QuerySet[Any], *, at: datetime) -> QuerySet[Any]:
    """These agents, each with its `state`."""
    cases = [When(condition, then=Value(name)) for name, condition in states(at=at).items()]
    state = Case(*cases, default=Value("offline"), output_field=CharField())
    stated: QuerySet[Any] = agents.annotate(state=state)
    return stated


def with_today(agents: QuerySet[Any], *, at: datetime) -> QuerySet[Any]:
    """These agents, with what `worked` and `earned` need."""
    recent = Q(ended_at=None) | Q(ended_at__gt=at - A_DAY)
    spans = PresenceSpan.objects.filter(recent).order_by("started_at")
    lines = JournalLine.objects.filter(account__startswith="agent:")
    entries = JournalEntry.objects.filter(occurred_at__gt=at - A_DAY)
    ready: QuerySet[Any] = agents.prefetch_related(
        Prefetch("spans", spans, to_attr="recent_spans"),
        Prefetch(
            "journal", entries.prefetch_related(Prefetch("lines", lines)), to_attr="recent_entries"
        ),
    )
    return ready


def midnight(time_zone: str, *, at: datetime) -> datetime:
    """When today began, where the agent lives."""
    try:
        zone = ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        zone = ZoneInfo("UTC")
    return at.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)


def worked(agent: Any, *, at: datetime) -> timedelta:
    """The time the agent was here today, breaks included."""
    start = midnight(agent.time_zone, at=at)
    stretches = ((span.ended_at or at) - max(span.started_at, start) for span in agent.recent_spans)
    return sum((max(stretch, timedelta()) for stretch in stretches), timedelta())


def earned(agent: Any, *, at: datetime) -> dict[str, int]:
    """What the agent earned today, in minor units by currency."""
    start = midnight(agent.time_zone, at=at)
    sums: Counter[str] = Counter()
    for entry in agent.recent_entries:
        if entry.occurred_at >= start:
            for line in entry.lines.all():
                sums[line.currency] -= line.amount
    return dict(sums)
