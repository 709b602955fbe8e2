"""Views that show pages: home, a conversation, earnings, and leaving."""

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
    """Show the home page of the desk."""
    passed = answers.find_just_passed(agent, request.GET.get("passed", ""))
    current = fragments.build_page(agent, at=clock.now())
    return render(request, "desk/home.html", {**current, "passed": passed})


@require_GET
@agents_only
def state(request: HttpRequest, agent: Agent) -> HttpResponse:
    """Render what is new for an open page. The request also renews presence."""
    return fragments.render_changes(request, agent)


@require_GET
@agents_only
def talk(request: HttpRequest, agent: Agent, assignment_id: UUID) -> HttpResponse:
    """Show a conversation, until the end of its wrap-up."""
    held = conversations.get_open(agent, assignment_id)
    current = fragments.build_page(agent, at=clock.now())
    shown = conversations.build_page(held, whole="whole" in request.GET)
    return render(request, "desk/talk.html", {**current, **shown})


@require_GET
@agents_only
def earnings(request: HttpRequest, agent: Agent) -> HttpResponse:
    """Show a week of pay, with the parts of each amount."""
    at = clock.now()
    week = books.build_week(agent, until=parse_day(request.GET.get("until", "")), at=at)
    return render(
        request, "desk/earnings.html", {**fragments.build_page(agent, at=at), "week": week}
    )


@require_GET
@agents_only
def leave(request: HttpRequest, agent: Agent) -> HttpResponse:
    """Ask for confirmation before the agent goes offline with open conversations."""
    return render(request, "desk/leave.html", fragments.build_page(agent, at=clock.now()))


def parse_day(written: str) -> date | None:
    """Parse the day of the URL. An invalid one counts as None."""
    try:
        found = parse_date(written)
    except ValueError:
        return None
    return found if found and found.year > 2000 else None
