"""What an agent does in a conversation: say, resolve, hand back, finish."""

from uuid import UUID

from django import forms as django_forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from django_htmx.http import HttpResponseClientRedirect

from agents.models import Agent
from agents.pay.money import format_money
from dispatch import assignments
from dispatch.desk import conversations, forms, fragments
from dispatch.desk.access import AgentRequest, agents_only, refused
from tickets import clock


@require_POST
@agents_only
def say(request: AgentRequest, agent: Agent, assignment_id: UUID) -> HttpResponse:
    """The agent writes to the customer."""
    held = conversations.get_any(agent, assignment_id)
    form = forms.MessageForm(request.POST)
    if not form.is_valid():
        return unclear(request, agent, form)
    assignments.say(
        held,
        text=form.cleaned_data["text"],
        client_message_id=str(form.cleaned_data["client_message_id"]),
        sent_by=agent.user,
        at=clock.now(),
    )
    return back_to(request, agent, assignment_id)


@require_POST
@agents_only
def resolve(request: AgentRequest, agent: Agent, assignment_id: UUID) -> HttpResponse:
    """The agent closes the conversation."""
    held = conversations.get_open(agent, assignment_id)
    form = forms.ResolveForm(request.POST)
    if not form.is_valid():
        return unclear(request, agent, form)
    assignments.resolve(held, **form.cleaned_data, at=clock.now())
    return back_to(request, agent, assignment_id)


@require_POST
@agents_only
def hand_back(request: AgentRequest, agent: Agent, assignment_id: UUID) -> HttpResponse:
    """The agent gives the conversation back to the bot."""
    held = conversations.get_open(agent, assignment_id)
    form = forms.HandBackForm(request.POST)
    if not form.is_valid():
        return unclear(request, agent, form)
    assignments.hand_back(held, **form.cleaned_data, at=clock.now())
    return back_to(request, agent, assignment_id)


@require_POST
@agents_only
def finish(request: AgentRequest, agent: Agent, assignment_id: UUID) -> HttpResponse:
    """Wrap-up is done: back to the desk, paid."""
    held = conversations.get_any(agent, assignment_id)
    form = forms.FinishForm(request.POST)
    if not form.is_valid():
        return unclear(request, agent, form)
    done = assignments.finish(held, note=form.cleaned_data["note"], at=clock.now())
    pay = format_money(done.paid or 0, done.offer.quote.currency)
    messages.success(request, _("Done. %(pay)s is on your account.") % {"pay": pay})
    home = reverse("desk:home")
    return HttpResponseClientRedirect(home) if request.htmx else redirect(home)


def back_to(request: AgentRequest, agent: Agent, assignment_id: UUID) -> HttpResponse:
    """The news for a page that listens, else the conversation again."""
    if request.htmx:
        return fragments.fragment(request, agent)
    return redirect("desk:talk", assignment_id)


def unclear(request: AgentRequest, agent: Agent, form: django_forms.Form) -> HttpResponse:
    """The form can't be used as it is; says what to mend."""
    problems = " ".join(str(problem) for field in form.errors.values() for problem in field)
    return refused(request, agent, problems, status=422)
