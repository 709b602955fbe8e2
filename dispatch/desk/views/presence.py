"""Views that change presence: available, away, offline."""

from django.contrib import auth
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST
from django_htmx.http import HttpResponseClientRedirect

from agents import presence
from agents.models import Agent, Presence
from dispatch.desk import fragments
from dispatch.desk.access import AgentRequest, agents_only
from dispatch.desk.forms import AutoAcceptForm, PresenceForm
from dispatch.desk.views.conversations import render_invalid
from dispatch.models import Assignment
from tickets import clock

MOVES = {
    Presence.Status.AVAILABLE: presence.go_available,
    Presence.Status.AWAY: presence.go_away,
    Presence.Status.OFFLINE: presence.go_offline,
}


@require_POST
@agents_only
def set_status(request: AgentRequest, agent: Agent) -> HttpResponse:
    """Change the agent's status. Going offline during a conversation needs confirmation."""
    form = PresenceForm(request.POST)
    if not form.is_valid():
        return render_invalid(request, agent, form)
    status = Presence.Status(form.cleaned_data["status"])
    if status == Presence.Status.OFFLINE and must_confirm(request, agent):
        return redirect_to_leave(request)
    MOVES[status](agent, at=clock.now())
    return fragments.render_fragment(request, agent) if request.htmx else redirect("desk:home")


@require_POST
@agents_only
def set_auto_accept(request: AgentRequest, agent: Agent) -> HttpResponse:
    """Turn automatic acceptance on, with a limit per hour, or off."""
    form = AutoAcceptForm(request.POST)
    if not form.is_valid():
        return render_invalid(request, agent, form)
    presence.set_auto_accept(agent, **form.cleaned_data)
    return fragments.render_fragment(request, agent) if request.htmx else redirect("desk:home")


@require_POST
@agents_only
def log_out(request: AgentRequest, agent: Agent) -> HttpResponse:
    """Go offline and end the session."""
    if must_confirm(request, agent):
        return redirect_to_leave(request)
    presence.go_offline(agent, at=clock.now())
    auth.logout(request)
    return redirect("desk:login")


def must_confirm(request: AgentRequest, agent: Agent) -> bool:
    """True if the agent is in a conversation and has not confirmed."""
    talking = Assignment.objects.talking().filter(agent=agent)
    return "confirmed" not in request.POST and talking.exists()


def redirect_to_leave(request: AgentRequest) -> HttpResponse:
    address = reverse("desk:leave")
    return HttpResponseClientRedirect(address) if request.htmx else redirect(address)
