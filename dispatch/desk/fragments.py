"""The live parts of the desk, and the fragment that updates an open page."""

from datetime import UTC, datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django_htmx.http import HttpResponseClientRedirect

from agents import presence
from agents.models import Agent
from dispatch.desk import conversations
from dispatch.desk import state as read_state
from dispatch.desk.forms import PASS_REASONS, Position
from dispatch.desk.state import DeskState
from dispatch.models import Assignment
from tickets import clock


def build_page(agent: Agent, *, at: datetime) -> dict[str, Any]:
    """Build the context of every desk page. Loading a page renews the agent's presence."""
    presence.record_heartbeats([agent.pk], at=at)
    now = read_state.read(agent, at=at)
    rows = conversations.list_rows(now.assignments)
    return {
        "agent": agent,
        "at": at,
        "now": now,
        "rows": rows,
        "talking": sum(row.stage == "talking" for row in rows),
        "pass_reasons": PASS_REASONS,
        "approved": agent.status == Agent.Status.APPROVED,
    }


def render_changes(request: HttpRequest, agent: Agent) -> HttpResponse:
    """Render the fragment if anything changed since the page's signature, else 204.

    An agent on the home page is led to a conversation that was accepted automatically.
    """
    shown = read_position(request)
    at = clock.now()
    current = build_page(agent, at=at)
    if begun := _find_auto_accepted(current["now"], since=shown["home_since"]):
        return HttpResponseClientRedirect(reverse("desk:talk", args=[begun.pk]))
    talk = _build_conversation(agent, shown)
    behind = talk and (talk["thread"] or talk["moved"])
    if not behind and shown["signature"] == current["now"].signature:
        return HttpResponse(status=204)
    return render(request, "desk/_state.html", {**current, **talk})


def render_fragment(
    request: HttpRequest, agent: Agent, *, notice: object = "", status: int = 200, **also: Any
) -> HttpResponse:
    """Render all live parts after an action, with a notice and the context of the action."""
    current = build_page(agent, at=clock.now())
    talk = _build_conversation(agent, read_position(request))
    context = {**current, **talk, "notice": notice, "acted": True, **also}
    return render(request, "desk/_state.html", context, status=status)


def read_position(request: HttpRequest) -> dict[str, Any]:
    """Read what the page already shows. Invalid values count as missing."""
    form = Position(request.POST if request.method == "POST" else request.GET)
    form.is_valid()
    given = form.cleaned_data
    return {
        "signature": given.get("signature", ""),
        "conversation": given.get("conversation"),
        "after": given.get("after") or 0,
        "stage": given.get("stage", ""),
        "home_since": given.get("home_since"),
    }


def _find_auto_accepted(now: DeskState, *, since: int | None) -> Assignment | None:
    """Find the conversation that was accepted automatically since the home page was opened."""
    if since is None:
        return None
    opened = datetime.fromtimestamp(since / 1000, UTC)
    began = (each for each in now.assignments if each.offer.auto_accepted and not each.ended_at)
    return next((each for each in began if each.started_at > opened), None)


def _build_conversation(agent: Agent, shown: dict[str, Any]) -> dict[str, Any]:
    if not shown["conversation"]:
        return {}
    return conversations.build_news(
        agent, shown["conversation"], after=shown["after"], stage_shown=shown["stage"]
    )
