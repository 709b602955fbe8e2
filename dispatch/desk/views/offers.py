"""Views that answer an offer, or report that it is on the screen."""

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
from dispatch.desk.views.conversations import render_invalid
from dispatch.models import Offer
from tickets import clock


@require_POST
@agents_only
def accept(request: AgentRequest, agent: Agent, offer_id: UUID) -> HttpResponse:
    """Accept the offer and lead to the conversation."""
    assignment = offers.accept(get_own_offer(agent, offer_id), at=clock.now())
    address = reverse("desk:talk", args=[assignment.pk])
    return HttpResponseClientRedirect(address) if request.htmx else redirect(address)


@require_POST
@agents_only
def decline(request: AgentRequest, agent: Agent, offer_id: UUID) -> HttpResponse:
    """Decline the offer. A reason may follow, but need not."""
    offer = get_own_offer(agent, offer_id)
    offers.decline(offer, at=clock.now())
    if request.htmx:
        return fragments.render_fragment(request, agent, passed=offer)
    return redirect(reverse("desk:home", query={"passed": offer.pk}))


@require_POST
@agents_only
def give_reason(request: AgentRequest, agent: Agent, offer_id: UUID) -> HttpResponse:
    """Store the reason for declining."""
    offer = get_own_offer(agent, offer_id)
    form = BecauseForm(request.POST)
    if not form.is_valid():
        return render_invalid(request, agent, form)
    offers.record_reason(offer, **form.cleaned_data)
    stays = form.cleaned_data["because"] in offers.FOR_NOW
    if request.htmx:
        return fragments.render_fragment(request, agent, told_why=True, stays=stays)
    return redirect("desk:home")


@require_POST
@agents_only
def acknowledge(request: AgentRequest, agent: Agent, offer_id: UUID) -> HttpResponse:
    """Report that the card is on the screen, for a page without a WebSocket."""
    heartbeats.acknowledge([(get_own_offer(agent, offer_id).pk, agent.pk)])
    return HttpResponse(status=204)


@require_GET
@agents_only
def acknowledge_by_image(request: AgentRequest, agent: Agent, offer_id: UUID) -> HttpResponse:
    """Report it for a browser without scripts, which loads an image when it shows the card.

    This is the only GET that changes state, because without scripts a page can send nothing else
    by itself. Another site cannot use it: its image requests carry no session cookie (SameSite).
    """
    if "prefetch" not in request.headers.get("Sec-Purpose", ""):
        heartbeats.acknowledge([(get_own_offer(agent, offer_id).pk, agent.pk)])
    return HttpResponse(status=204)


def get_own_offer(agent: Agent, offer_id: UUID) -> Offer:
    return get_object_or_404(
        Offer.objects.select_related("ticket").filter(agent=agent), pk=offer_id
    )


def find_just_passed(agent: Agent, written: str) -> Offer | None:
    """Find the offer named by the URL, if this agent declined it and has given no reason."""
    try:
        passed = Offer.objects.filter(pk=UUID(written), agent=agent, declined_because="")
    except ValueError:
        return None
    return passed.filter(status=Offer.Status.DECLINED).first()
