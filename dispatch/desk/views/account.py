"""Views for login and for the language of the pages."""

from typing import Any, TypeVar

from django.conf import settings
from django.contrib.auth.views import LoginView
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from agents.models import Agent, User
from dispatch.desk.access import AgentRequest, agents_only
from dispatch.desk.forms import LanguageForm, LoginForm
from dispatch.desk.views.conversations import render_invalid

Answer = TypeVar("Answer", bound=HttpResponseBase)
A_YEAR = 365 * 24 * 3600


class LogIn(LoginView):
    """The login page. It stores the user's language in a cookie for pages without login."""

    template_name = "desk/login.html"
    authentication_form = LoginForm
    redirect_authenticated_user = True

    def form_valid(self, form: Any) -> HttpResponse:
        user: User = form.get_user()
        return set_language_cookie(super().form_valid(form), user.language)


@require_POST
@agents_only
def set_language(request: AgentRequest, agent: Agent) -> HttpResponse:
    """Change the language of the agent's pages."""
    form = LanguageForm(request.POST)
    if not form.is_valid():
        return render_invalid(request, agent, form)
    chosen = form.cleaned_data["language"]
    User.objects.filter(pk=agent.user_id).update(language=chosen)
    return set_language_cookie(redirect(get_return_address(request)), chosen)


def get_return_address(request: AgentRequest) -> str:
    """Return the page on which the language was changed, if it is one of ours."""
    given = request.POST.get("next", "")
    ours = url_has_allowed_host_and_scheme(
        given, {request.get_host()}, require_https=request.is_secure()
    )
    return given if ours else "desk:home"


def set_language_cookie(response: Answer, chosen: str) -> Answer:
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        chosen,
        max_age=A_YEAR,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )
    return response
