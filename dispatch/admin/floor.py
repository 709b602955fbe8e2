"""The floor at a glance: live figures for the first page, each a link to its list."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, F, Min, Q, Sum
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from agents.admin import today
from agents.admin.formats import format_amounts, format_duration
from agents.models import Agent, JournalLine
from agents.pay.ledger import WORK
from tickets.models import Ticket

#: The most rows of a list on this page; the rest is behind the tile.
MOST = 12
COLOURS = {"available": "success", "busy": "info", "away": "warning", "silent": "danger"}


@dataclass(frozen=True)
class Tile:
    """A figure, what it is, and where its rows are. `wrong`: somebody should look now."""

    title: str
    figure: str
    href: str
    note: str = ""
    wrong: bool = False


def show(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """The dashboard callback: the tiles this person may see."""
    context["title"] = _("Floor")
    at, may = timezone.now(), request.user.has_perm
    context["tiles"] = list(tiles(request, at=at))
    context["queue"] = queue(at=at) if may("tickets.view_ticket") else []
    context["here"] = here(at=at) if may("agents.view_agent") else []
    return context


def queue(*, at: datetime) -> list[dict[str, Any]]:
    """The next to be served, the first in front."""
    waiting = Ticket.objects.queued().in_order().select_related("client")[:MOST]
    return [
        {
            "ticket": ticket,
            "waited": format_duration(at - ticket.queued_at),
            "late": at - ticket.queued_at > ticket.client.answer_within,
            "href": reverse("admin:tickets_ticket_change", args=[ticket.pk]),
        }
        for ticket in waiting
    ]


def here(*, at: datetime) -> list[dict[str, Any]]:
    """Who is here, those without a sign of life in front."""
    agents = today.annotate_state(Agent.objects.select_related("presence"), at=at)
    seen = agents.exclude(state="offline").order_by("-state", "name")[:MOST]
    return [
        {
            "agent": agent,
            "state": today.STATES[agent.state],
            "colour": COLOURS[agent.state],
            "href": reverse("admin:agents_agent_change", args=[agent.pk]),
        }
        for agent in seen
    ]


def tiles(request: HttpRequest, *, at: datetime) -> Iterator[Tile]:
    may = request.user.has_perm
    if may("tickets.view_ticket"):
        yield from _queue(at=at)
    if may("agents.view_agent"):
        yield from _agents(at=at)
    if may("tickets.view_ticket"):
        yield _kept_promises(at=at)
    if may("agents.view_journalentry"):
        yield _cost(at=at)


def _queue(*, at: datetime) -> Iterator[Tile]:
    href = reverse("admin:tickets_ticket_changelist") + "?status__exact=queued"
    late = Count("pk", filter=Q(queued_at__lt=at - F("client__answer_within")))
    waiting = Ticket.objects.queued().aggregate(
        count=Count("pk"), late=late, first=Min("queued_at")
    )
    yield Tile(_("Waiting"), str(waiting["count"]), href)
    wait = format_duration(at - waiting["first"]) if waiting["first"] else "—"
    late_note = _("%(count)d past the promise") % {"count": waiting["late"]}
    yield Tile(
        _("Longest wait"), wait, f"{href}&o=9", late_note if waiting["late"] else "",
        wrong=bool(waiting["late"]),
    )  # fmt: skip


def _agents(*, at: datetime) -> Iterator[Tile]:
    href = reverse("admin:agents_agent_changelist")
    rows = (
        today.annotate_state(Agent.objects.all(), at=at).values("state").annotate(count=Count("pk"))
    )
    counts = {row["state"]: row["count"] for row in rows.order_by()}
    titles = {"available": _("Available"), "busy": _("Busy"), "away": _("Away")}
    for state, title in titles.items():
        yield Tile(title, str(counts.get(state, 0)), f"{href}?state={state}")
    if counts.get("silent"):
        yield Tile(_("Silent"), str(counts["silent"]), f"{href}?state=silent", wrong=True)


def _kept_promises(*, at: datetime) -> Tile:
    """Of those who came today and were answered or left: how many were answered as promised."""
    start = _midnight(at)
    in_time = Q(answered_at__lte=F("queued_at") + F("client__answer_within"))
    over = Q(answered_at__isnull=False) | Q(closed_at__isnull=False)
    came = Ticket.objects.filter(over, queued_at__gte=start)
    counted = came.aggregate(all=Count("pk"), kept=Count("pk", filter=in_time))
    href = (
        reverse("admin:tickets_ticket_changelist") + f"?queued_at__gte={start:%Y-%m-%dT%H:%M:%SZ}"
    )
    share = f"{counted['kept'] * 100 // counted['all']} %" if counted["all"] else "—"
    note = _("%(kept)d of %(all)d") % counted if counted["all"] else ""
    return Tile(_("Answered as promised today"), share, href, note)


def _cost(*, at: datetime) -> Tile:
    start = _midnight(at)
    lines = JournalLine.objects.filter(account=WORK, entry__occurred_at__gte=start)
    sums = lines.values_list("currency").annotate(Sum("amount")).order_by("currency")
    href = reverse("admin:agents_journalentry_changelist") + (
        f"?occurred_at__year={start.year}&occurred_at__month={start.month}"
        f"&occurred_at__day={start.day}"
    )
    return Tile(_("Cost today"), format_amounts(dict(sums)) or "—", href)


def _midnight(at: datetime) -> datetime:
    """Where the platform's day begins: UTC, as all times on these pages."""
    return at.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(
        seconds=(at.utcoffset() or timedelta()).total_seconds()
    )
