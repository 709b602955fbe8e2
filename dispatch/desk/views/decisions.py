"""The page on which agents read why they got their offers, and why others got an offer."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from agents.models import AbilitySpan, Agent, Presence, PresenceSpan
from dispatch import wording
from dispatch.desk import fragments
from dispatch.desk.access import agents_only
from dispatch.explanations import not_considered, reasons
from dispatch.explanations import replay as decided
from dispatch.explanations.not_considered import AgentHistory
from dispatch.explanations.reasons import CostPart
from dispatch.explanations.replay import TicketExplanation
from dispatch.models import Offer
from dispatch.waves import snapshot
from tickets import clock

A_PAGE = 20
MOST_PAGES = 50
#: The latest spans of being available that are searched for the offers of others.
STRETCHES = 60
OUTCOMES: dict[str, Any] = {
    Offer.Status.SENT: _("on its way to you"),
    Offer.Status.SHOWN: _("on your screen"),
    Offer.Status.ACCEPTED: _("you accepted"),
    Offer.Status.DECLINED: _("you passed"),
    Offer.Status.EXPIRED: _("not answered in time"),
    Offer.Status.MISSED: _("never reached your screen"),
    Offer.Status.WITHDRAWN: _("withdrawn"),
    Offer.Status.TAKEN: _("somebody else was quicker"),
}


@dataclass(frozen=True)
class DecisionRow:
    """One offer, to this agent or to another, and its reasons as sentences."""

    at: datetime
    topic: str
    language: str
    outcome: str = ""
    standing: str = ""
    parts: Sequence[CostPart] = ()
    reasons: Sequence[str] = field(default=())


@require_GET
@agents_only
def decisions(request: HttpRequest, agent: Agent) -> HttpResponse:
    """Show the agent's offers; with `?others`, those of others while this agent was available."""
    at, number = clock.now(), parse_page_number(request.GET.get("page", ""))
    others = "others" in request.GET
    offers = list_others_offers(agent, at=at) if others else list_own_offers(agent)
    start = (number - 1) * A_PAGE
    rows = list(offers[start : start + A_PAGE + 1])
    explain = explain_others if others else explain_own
    context = {
        "decisions": explain(agent, rows[:A_PAGE]),
        "others": others,
        "earlier": number + 1 if len(rows) > A_PAGE and number < MOST_PAGES else None,
        "later": number - 1 if number > 1 else None,
    }
    return render(request, "desk/decisions.html", {**fragments.build_page(agent, at=at), **context})


def parse_page_number(written: str) -> int:
    """Parse the page number of the URL. An invalid one counts as 1."""
    number = int(written) if written.isdecimal() and len(written) < 4 else 1
    return min(max(number, 1), MOST_PAGES)


def list_own_offers(agent: Agent) -> Any:
    offers = Offer.objects.filter(agent=agent).select_related("ticket", "decision")
    return offers.order_by("-sent_at", "-pk")


def list_others_offers(agent: Agent, *, at: datetime) -> Any:
    """List the offers of others in the agent's languages, made while this agent was available."""
    available = PresenceSpan.objects.filter(agent=agent, status=Presence.Status.AVAILABLE)
    stretches = Q(pk=None)
    for span in available.order_by("-started_at")[:STRETCHES]:
        until = span.ended_at or at
        stretches |= Q(decision__at__gte=span.started_at, decision__at__lt=until)
    found = Offer.objects.filter(stretches, ticket__language__in=list_languages(agent))
    found = found.exclude(agent=agent).select_related("ticket", "decision")
    return found.order_by("-decision__at", "-pk")


def list_languages(agent: Agent) -> set[str]:
    """List every language that the agent speaks or spoke."""
    spans = AbilitySpan.objects.filter(agent=agent).values_list("abilities", flat=True)
    return {
        language
        for abilities in spans
        for language in snapshot.parse_abilities(" ".join(abilities)).languages
    }


def explain_own(agent: Agent, offers: Sequence[Offer]) -> list[DecisionRow]:
    return [
        _explain_own_offer(agent, offer, account) for offer, account in list_explanations(offers)
    ]


def _explain_own_offer(
    agent: Agent, offer: Offer, account: TicketExplanation | None
) -> DecisionRow:
    me = account.find_candidate(agent.pk) if account else None
    about = _describe(offer, offer.sent_at) | {"outcome": str(OUTCOMES[offer.status])}
    if account is None or me is None or me.rank is None:
        return DecisionRow(**about)
    return DecisionRow(
        **about,
        standing=reasons.rank_sentence(account, me),
        parts=reasons.cost_breakdown(account, me),
        reasons=list(wording.list_lowered_for(offer)),
    )


def explain_others(agent: Agent, offers: Sequence[Offer]) -> list[DecisionRow]:
    known = _read_history(agent, offers)
    return [
        DecisionRow(
            **_describe(offer, account.decision.at),
            reasons=list(_explain_why_not(agent, account, known)),
        )
        for offer, account in list_explanations(offers)
        if account
    ]


def _explain_why_not(
    agent: Agent, account: TicketExplanation, known: AgentHistory
) -> Iterable[str]:
    if me := account.find_candidate(agent.pk):
        return reasons.why_not_chosen(account, me)
    unconsidered = known.explain(agent.pk, account)
    return reasons.why_not_considered(account, unconsidered) if unconsidered else []


def list_explanations(offers: Iterable[Offer]) -> list[tuple[Offer, TicketExplanation | None]]:
    """Pair each offer with its explanation; None if no wave made it. Each decision is read once."""
    offers = list(offers)
    made = decided.replay_all(offer.decision for offer in offers if offer.decision)
    return [
        (offer, made[offer.decision.pk].explain(offer.ticket_id) if offer.decision else None)
        for offer in offers
    ]


def _read_history(agent: Agent, offers: Sequence[Offer]) -> AgentHistory:
    moments = [offer.sent_at for offer in offers]
    if not moments:
        return AgentHistory({}, {})
    second = timedelta(seconds=1)
    return not_considered.read_history(
        [agent.pk], since=min(moments) - second, until=max(moments) + second
    )


def _describe(offer: Offer, at: datetime) -> dict[str, Any]:
    """Describe a conversation by topic, language and time only, for privacy."""
    return {
        "at": at,
        "topic": wording.plain(offer.ticket.topic),
        "language": wording.language(offer.ticket.language),
    }
