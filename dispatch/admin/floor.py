"""The floor, the first page of the admin: live figures, each a link to its list."""

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

#: The most rows of a list on this page. The tile links to all rows.
MOST = 12
COLOURS = {"available": "success", "busy": "info", "away": "warning", "silent": "danger"}


@dataclass(frozen=True)
class Tile:
    """A figure with its title and a link to its rows. `wrong` marks what needs attention now."""

    title: str
    figure: str
    href: str
    note: str = ""
    wrong: bool = False


def show(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """The dashboard callback. Shows only the tiles that the user may see."""
    context["title"] = _("Floor")
    at, may = timezone.now(), request.user.has_perm
    context["tiles"] = list(list_tiles(request, at=at))
    context["queue"] = list_queue(at=at) if may("tickets.view_ticket") else []
    context["here"] = list_agents(at=at) if may("agents.view_agent") else []
    return context


def list_queue(*, at: datetime) -> list[dict[str, Any]]:
    """List the next tickets in the order in which they are served."""
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


def list_agents(*, at: datetime) -> list[dict[str, Any]]:
    """List the agents who are online, silent ones first."""
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


def list_tiles(request: HttpRequest, *, at: datetime) -> Iterator[Tile]:
    may = request.user.has_perm
    if may("tickets.view_ticket"):
        yield from _list_queue_tiles(at=at)
    if may("agents.view_agent"):
        yield from _list_agent_tiles(at=at)
    if may("tickets.view_ticket"):
        yield _build_promise_tile(at=at)
    if may("agents.view_journalentry"):
        yield _build_cost_tile(at=at)


def _list_queue_tiles(*, at: datetime) -> Iterator[Tile]:
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


def _list_agent_tiles(*, at: datetime) -> Iterator[Tile]:
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


def _build_promise_tile(*, at: datetime) -> Tile:
    """Show the share of today's answered or closed tickets that were answered as promised."""
    start = _get_midnight(at)
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


def _build_cost_tile(*, at: datetime) -> Tile:
    start = _get_midnight(at)
    lines = JournalLine.objects.filter(account=WORK, entry__occurred_at__gte=start)
    sums = lines.values_list("currency").annotate(Sum("amount")).order_by("currency")
    href = reverse("admin:agents_journalentry_changelist") + (
        f"?occurred_at__year={start.year}&occurred_at__month={start.month}"
        f"&occurred_at__day={start.day}"
    )
    return Tile(_("Cost today"), format_amounts(dict(sums)) or "—", href)


def _get_midnight(at: datetime) -> datetime:
    """Midnight in UTC, because all times on these pages are in UTC."""
    return at.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(
        seconds=(at.utcoffset() or timedelta()).total_seconds()
    )
