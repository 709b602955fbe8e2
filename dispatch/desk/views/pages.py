"""The pages an agent reads: the desk, a conversation, earnings, and leaving."""

from datetime import date
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.dateparse import parse_date
from django.views.decorators.http import require_GET

from agents.models import Agent
from dispatch.desk import conversations, fragments
from dispatch.desk import earnings as books
from dispatch.desk.access import agents_only
from dispatch.desk.views import offers as answers
from tickets import clock


@require_GET
@agents_only
def home(request: HttpRequest, agent: Agent) -> HttpResponse:
    """The desk."""
    passed = answers.just_passed(agent, request.GET.get("passed", ""))
    current = fragments.page(agent, at=clock.now())
    return render(request, "desk/home.html", {**current, "passed": passed})


@require_GET
@agents_only
def state(request: HttpRequest, agent: Agent) -> HttpResponse:
    """What is new for an open page. Asking is also a sign of life."""
    return fragments.state(request, agent)


@require_GET
@agents_only
def talk(request: HttpRequest, agent: Agent, assignment_id: UUID) -> HttpResponse:
    """A conversation, until the end of its wrap-up."""
    held = conversations.get_open(agent, assignment_id)
    current = fragments.page(agent, at=clock.now())
    shown = conversations.shown(held, whole="whole" in request.GET)
    return render(request, "desk/talk.html", {**current, **shown})


@require_GET
@agents_only
def earnings(request: HttpRequest, agent: Agent) -> HttpResponse:
    """A week of pay, and how each amount is made up."""
    at = clock.now()
    week = books.week(agent, until=day(request.GET.get("until", "")), at=at)
    return render(request, "desk/earnings.html", {**fragments.page(agent, at=at), "week": week})


@require_GET
@agents_only
def leave(request: HttpRequest, agent: Agent) -> HttpResponse:
    """What going offline would do to open conversations, before it is done."""
    return render(request, "desk/leave.html", fragments.page(agent, at=clock.now()))


def day(written: str) -> date | None:
    """A day as an address writes it. Anything odd counts as none."""
    try:
        found = parse_date(written)
    except ValueError:
        return None
    return found if found and found.year > 2000 else None
