"""Answering an offer."""

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_POST
from django_htmx.http import HttpResponseClientRedirect

from agents.models import Agent
from dispatch import offers
from dispatch.desk import live
from dispatch.desk.access import AgentRequest, agents_only
from dispatch.models import Offer
from tickets import clock


@require_POST
@agents_only
def accept(request: AgentRequest, agent: Agent, offer_id: UUID) -> HttpResponse:
    """The agent says yes, and is taken to the conversation."""
    assignment = offers.accept(own(agent, offer_id), at=clock.now())
    address = reverse("desk:talk", args=[assignment.pk])
    return HttpResponseClientRedirect(address) if request.htmx else redirect(address)


@require_POST
@agents_only
def decline(request: AgentRequest, agent: Agent, offer_id: UUID) -> HttpResponse:
    """The agent passes."""
    offers.decline(own(agent, offer_id), at=clock.now())
    return live.fragment(request, agent) if request.htmx else redirect("desk:home")


def own(agent: Agent, offer_id: UUID) -> Offer:
    return get_object_or_404(
        Offer.objects.select_related("ticket").filter(agent=agent), pk=offer_id
    )
