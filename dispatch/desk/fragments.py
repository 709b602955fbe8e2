"""The live parts of the desk, and the fragment that brings an open page up to date."""

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


def page(agent: Agent, *, at: datetime) -> dict[str, Any]:
    """What every page of the desk shows. Whoever looks at one is there."""
    presence.record_heartbeats([agent.pk], at=at)
    now = read_state.read(agent, at=at)
    rows = conversations.rows(now.assignments)
    return {
        "agent": agent,
        "at": at,
        "now": now,
        "rows": rows,
        "talking": sum(row.stage == "talking" for row in rows),
        "pass_reasons": PASS_REASONS,
        "approved": agent.status == Agent.Status.APPROVED,
    }


def state(request: HttpRequest, agent: Agent) -> HttpResponse:
    """The fragment if anything changed since the page's signature, else nothing.

    Whoever is at home when a conversation begins by itself is taken to it.
    """
    shown = position(request)
    at = clock.now()
    current = page(agent, at=at)
    if begun := _begun_by_itself(current["now"], since=shown["home_since"]):
        return HttpResponseClientRedirect(reverse("desk:talk", args=[begun.pk]))
    talk = _talk(agent, shown)
    behind = talk and (talk["thread"] or talk["moved"])
    if not behind and shown["signature"] == current["now"].signature:
        return HttpResponse(status=204)
    return render(request, "desk/_state.html", {**current, **talk})


def fragment(
    request: HttpRequest, agent: Agent, *, notice: object = "", status: int = 200, **also: Any
) -> HttpResponse:
    """After an act: all the live parts, a sentence if there is one to say, and what the act
    itself brings."""
    current = page(agent, at=clock.now())
    talk = _talk(agent, position(request))
    context = {**current, **talk, "notice": notice, "acted": True, **also}
    return render(request, "desk/_state.html", context, status=status)


def position(request: HttpRequest) -> dict[str, Any]:
    """What the page shows already. Anything odd counts as nothing."""
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


def _begun_by_itself(now: DeskState, *, since: int | None) -> Assignment | None:
    """The conversation that was accepted for the agent since they opened their home, if any."""
    if since is None:
        return None
    opened = datetime.fromtimestamp(since / 1000, UTC)
    began = (each for each in now.assignments if each.offer.auto_accepted and not each.ended_at)
    return next((each for each in began if each.started_at > opened), None)


def _talk(agent: Agent, shown: dict[str, Any]) -> dict[str, Any]:
    if not shown["conversation"]:
        return {}
    return conversations.news(
        agent, shown["conversation"], after=shown["after"], stage_shown=shown["stage"]
    )
