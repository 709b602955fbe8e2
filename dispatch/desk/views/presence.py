"""Coming, taking a break, and leaving."""

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
from dispatch.desk.views.conversations import unclear
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
    """The agent comes, takes a break or leaves; before leaving a customer they are asked."""
    form = PresenceForm(request.POST)
    if not form.is_valid():
        return unclear(request, agent, form)
    status = Presence.Status(form.cleaned_data["status"])
    if status == Presence.Status.OFFLINE and must_ask_first(request, agent):
        return to_leaving(request)
    MOVES[status](agent, at=clock.now())
    return fragments.fragment(request, agent) if request.htmx else redirect("desk:home")


@require_POST
@agents_only
def set_auto_accept(request: AgentRequest, agent: Agent) -> HttpResponse:
    """Offers are accepted for the agent as they come, so many an hour at most; or no longer."""
    form = AutoAcceptForm(request.POST)
    if not form.is_valid():
        return unclear(request, agent, form)
    presence.set_auto_accept(agent, **form.cleaned_data)
    return fragments.fragment(request, agent) if request.htmx else redirect("desk:home")


@require_POST
@agents_only
def log_out(request: AgentRequest, agent: Agent) -> HttpResponse:
    """The agent leaves and the session ends."""
    if must_ask_first(request, agent):
        return to_leaving(request)
    presence.go_offline(agent, at=clock.now())
    auth.logout(request)
    return redirect("desk:login")


def must_ask_first(request: AgentRequest, agent: Agent) -> bool:
    """A customer is being talked to, and the agent has not said what to do about it."""
    talking = Assignment.objects.talking().filter(agent=agent)
    return "confirmed" not in request.POST and talking.exists()


def to_leaving(request: AgentRequest) -> HttpResponse:
    address = reverse("desk:leave")
    return HttpResponseClientRedirect(address) if request.htmx else redirect(address)
