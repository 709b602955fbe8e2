"""Views for the actions of a conversation: say, resolve, hand back, finish."""

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
from dispatch.desk.access import AgentRequest, agents_only, render_refusal
from tickets import clock


@require_POST
@agents_only
def say(request: AgentRequest, agent: Agent, assignment_id: UUID) -> HttpResponse:
    """Send a message to the customer."""
    held = conversations.get_any(agent, assignment_id)
    form = forms.MessageForm(request.POST)
    if not form.is_valid():
        return render_invalid(request, agent, form)
    assignments.say(
        held,
        text=form.cleaned_data["text"],
        client_message_id=str(form.cleaned_data["client_message_id"]),
        sent_by=agent.user,
        at=clock.now(),
    )
    return return_to_conversation(request, agent, assignment_id)


@require_POST
@agents_only
def resolve(request: AgentRequest, agent: Agent, assignment_id: UUID) -> HttpResponse:
    """Close the conversation."""
    held = conversations.get_open(agent, assignment_id)
    form = forms.ResolveForm(request.POST)
    if not form.is_valid():
        return render_invalid(request, agent, form)
    assignments.resolve(held, **form.cleaned_data, at=clock.now())
    return return_to_conversation(request, agent, assignment_id)


@require_POST
@agents_only
def hand_back(request: AgentRequest, agent: Agent, assignment_id: UUID) -> HttpResponse:
    """Return the conversation to the bot."""
    held = conversations.get_open(agent, assignment_id)
    form = forms.HandBackForm(request.POST)
    if not form.is_valid():
        return render_invalid(request, agent, form)
    assignments.hand_back(held, **form.cleaned_data, at=clock.now())
    return return_to_conversation(request, agent, assignment_id)


@require_POST
@agents_only
def finish(request: AgentRequest, agent: Agent, assignment_id: UUID) -> HttpResponse:
    """End the wrap-up, show the pay, and lead to the home page."""
    held = conversations.get_any(agent, assignment_id)
    form = forms.FinishForm(request.POST)
    if not form.is_valid():
        return render_invalid(request, agent, form)
    done = assignments.finish(held, note=form.cleaned_data["note"], at=clock.now())
    pay = format_money(done.paid or 0, done.offer.quote.currency)
    messages.success(request, _("Done. %(pay)s is on your account.") % {"pay": pay})
    home = reverse("desk:home")
    return HttpResponseClientRedirect(home) if request.htmx else redirect(home)


def return_to_conversation(
    request: AgentRequest, agent: Agent, assignment_id: UUID
) -> HttpResponse:
    """Render the live parts for htmx, else lead back to the conversation."""
    if request.htmx:
        return fragments.render_fragment(request, agent)
    return redirect("desk:talk", assignment_id)


def render_invalid(request: AgentRequest, agent: Agent, form: django_forms.Form) -> HttpResponse:
    """Show what is wrong in the form."""
    problems = " ".join(str(problem) for field in form.errors.values() for problem in field)
    return render_refusal(request, agent, problems, status=422)
