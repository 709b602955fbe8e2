"""Who may use the desk: agents, in their language and time zone. Refusals become sentences."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec
from zoneinfo import ZoneInfo

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext_lazy as _
from django_htmx.middleware import HtmxDetails

from agents.errors import AgentError, NotApproved
from agents.models import Agent
from dispatch.desk import fragments
from dispatch.errors import DispatchError
from tickets.errors import MessageChanged, TicketError

Given = ParamSpec("Given")
Refusal = DispatchError | TicketError | AgentError

#: Refusals from below carry no sentence of their own in the reader's language.
SENTENCES: dict[type[Exception], object] = {
    NotApproved: _(
        "Your account is not approved for work at the moment. Your coordinator can tell you why."
    ),
    MessageChanged: _("Another message was sent in its place. Copy your text and send it again."),
    TicketError: _("This conversation has ended already."),
    AgentError: _("This can't be done now."),
}


class AgentRequest(HttpRequest):
    """A request to the desk."""

    htmx: HtmxDetails


View = Callable[Concatenate[AgentRequest, Given], HttpResponse]
AgentView = Callable[Concatenate[AgentRequest, Agent, Given], HttpResponse]


def agents_only(view: AgentView[Given]) -> View[Given]:
    """The view gets the agent who asks; whoever is none is told so."""

    @wraps(view)
    def guarded(
        request: AgentRequest, /, *args: Given.args, **kwargs: Given.kwargs
    ) -> HttpResponse:
        agent = agent_of(request)
        if agent is None:
            return turned_away(request)
        with (
            translation.override(agent.user.language),
            timezone.override(ZoneInfo(agent.time_zone)),
        ):
            response = answered(view, request, agent, *args, **kwargs)
            response.headers["Content-Language"] = agent.user.language
        return response

    return guarded


def answered(
    view: AgentView[Given],
    request: AgentRequest,
    agent: Agent,
    *args: Given.args,
    **kwargs: Given.kwargs,
) -> HttpResponse:
    try:
        return view(request, agent, *args, **kwargs)
    except (DispatchError, TicketError, AgentError) as refusal:
        return refused(request, agent, says(refusal), status=getattr(refusal, "status", 409))


def agent_of(request: HttpRequest) -> Agent | None:
    if not request.user.is_authenticated:
        return None
    return Agent.objects.select_related("user").filter(user=request.user).first()


def turned_away(request: AgentRequest) -> HttpResponse:
    """To the login page, or for a login that is no agent's, to a page that says so."""
    if request.user.is_authenticated:
        return render(request, "desk/no_agent.html", status=403)
    if request.htmx:
        return HttpResponse(status=401, headers={"HX-Redirect": reverse("desk:login")})
    return redirect_to_login(request.get_full_path())


def refused(request: AgentRequest, agent: Agent, sentence: object, *, status: int) -> HttpResponse:
    """The sentence: beside what is true now for a page that listens, else with a way back."""
    if request.htmx:
        return fragments.fragment(request, agent, notice=sentence, status=status)
    return render(request, "desk/refused.html", {"sentence": sentence}, status=status)


def says(refusal: Refusal) -> object:
    """The refusal as a sentence for the agent."""
    if isinstance(refusal, DispatchError):
        return refusal.says
    kinds = (kind for kind in type(refusal).__mro__ if kind in SENTENCES)
    return SENTENCES[next(kinds)]
