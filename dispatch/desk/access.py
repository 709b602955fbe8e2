"""Access to the desk: agents only, in their language and time zone, with readable refusals."""

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

#: Sentences for refusals of `agents` and `tickets`, which have no text for agents.
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
    """Pass the logged-in agent to the view; refuse any other user."""

    @wraps(view)
    def guarded(
        request: AgentRequest, /, *args: Given.args, **kwargs: Given.kwargs
    ) -> HttpResponse:
        agent = find_agent(request)
        if agent is None:
            return turn_away(request)
        with (
            translation.override(agent.user.language),
            timezone.override(ZoneInfo(agent.time_zone)),
        ):
            response = call_view(view, request, agent, *args, **kwargs)
            response.headers["Content-Language"] = agent.user.language
        return response

    return guarded


def call_view(
    view: AgentView[Given],
    request: AgentRequest,
    agent: Agent,
    *args: Given.args,
    **kwargs: Given.kwargs,
) -> HttpResponse:
    try:
        return view(request, agent, *args, **kwargs)
    except (DispatchError, TicketError, AgentError) as refusal:
        return render_refusal(
            request, agent, get_sentence(refusal), status=getattr(refusal, "status", 409)
        )


def find_agent(request: HttpRequest) -> Agent | None:
    if not request.user.is_authenticated:
        return None
    return Agent.objects.select_related("user").filter(user=request.user).first()


def turn_away(request: AgentRequest) -> HttpResponse:
    """Lead to the login page, or to a page that says that this login is not an agent's."""
    if request.user.is_authenticated:
        return render(request, "desk/no_agent.html", status=403)
    if request.htmx:
        return HttpResponse(status=401, headers={"HX-Redirect": reverse("desk:login")})
    return redirect_to_login(request.get_full_path())


def render_refusal(
    request: AgentRequest, agent: Agent, sentence: object, *, status: int
) -> HttpResponse:
    """Show the refusal: with fresh live parts for htmx, else as a page with a link back."""
    if request.htmx:
        return fragments.render_fragment(request, agent, notice=sentence, status=status)
    return render(request, "desk/refused.html", {"sentence": sentence}, status=status)


def get_sentence(refusal: Refusal) -> object:
    """Return the sentence that the agent reads."""
    if isinstance(refusal, DispatchError):
        return refusal.sentence
    kinds = (kind for kind in type(refusal).__mro__ if kind in SENTENCES)
    return SENTENCES[next(kinds)]
