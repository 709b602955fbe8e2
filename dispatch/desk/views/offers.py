"""Answering an offer, and saying that it is on the screen."""

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import HttpResponseClientRedirect

from agents.models import Agent
from dispatch import offers
from dispatch.desk import fragments, heartbeats
from dispatch.desk.access import AgentRequest, agents_only
from dispatch.desk.forms import BecauseForm
from dispatch.desk.views.conversations import unclear
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
    """The agent passes. They may say why, and need not."""
    offer = own(agent, offer_id)
    offers.decline(offer, at=clock.now())
    if request.htmx:
        return fragments.fragment(request, agent, passed=offer)
    return redirect(reverse("desk:home", query={"passed": offer.pk}))


@require_POST
@agents_only
def because(request: AgentRequest, agent: Agent, offer_id: UUID) -> HttpResponse:
    """Why the agent passed, in a tap."""
    offer = own(agent, offer_id)
    form = BecauseForm(request.POST)
    if not form.is_valid():
        return unclear(request, agent, form)
    offers.say_why(offer, **form.cleaned_data)
    stays = form.cleaned_data["because"] in offers.FOR_NOW
    if request.htmx:
        return fragments.fragment(request, agent, told_why=True, stays=stays)
    return redirect("desk:home")


@require_POST
@agents_only
def shown(request: AgentRequest, agent: Agent, offer_id: UUID) -> HttpResponse:
    """The card is on the screen of a page whose line is not open."""
    heartbeats.acknowledge([(own(agent, offer_id).pk, agent.pk)])
    return HttpResponse(status=204)


@require_GET
@agents_only
def shown_image(request: AgentRequest, agent: Agent, offer_id: UUID) -> HttpResponse:
    """The same for a browser without scripts, which loads the picture on the card when it shows it.

    This is the one address that changes something by GET: without a script nothing else can be sent
    unasked. Another site's page can't: the session's cookie stays away from its pictures.
    """
    if "prefetch" not in request.headers.get("Sec-Purpose", ""):
        heartbeats.acknowledge([(own(agent, offer_id).pk, agent.pk)])
    return HttpResponse(status=204)


def own(agent: Agent, offer_id: UUID) -> Offer:
    return get_object_or_404(
        Offer.objects.select_related("ticket").filter(agent=agent), pk=offer_id
    )


def just_passed(agent: Agent, written: str) -> Offer | None:
    """The offer an address names, if this agent passed and has not said why."""
    try:
        passed = Offer.objects.filter(pk=UUID(written), agent=agent, declined_because="")
    except ValueError:
        return None
    return passed.filter(status=Offer.Status.DECLINED).first()
