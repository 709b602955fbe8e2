"""What was decided about an agent, for that agent to read: whom they were offered, and why not."""

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
#: The latest stretches of being available that are looked through for others' offers.
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
    """One offer, to them or to somebody else, and the reasons in words."""

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
    """Their offers and why; or with `?others`, what went to others while they were available."""
    at, number = clock.now(), page_number(request.GET.get("page", ""))
    others = "others" in request.GET
    offers = offered_to_others(agent, at=at) if others else offered(agent)
    start = (number - 1) * A_PAGE
    rows = list(offers[start : start + A_PAGE + 1])
    tell = why_others if others else why_me
    context = {
        "told": tell(agent, rows[:A_PAGE]),
        "others": others,
        "earlier": number + 1 if len(rows) > A_PAGE and number < MOST_PAGES else None,
        "later": number - 1 if number > 1 else None,
    }
    return render(request, "desk/decisions.html", {**fragments.page(agent, at=at), **context})


def page_number(written: str) -> int:
    """A page as an address writes it. Anything odd counts as the first."""
    number = int(written) if written.isdecimal() and len(written) < 4 else 1
    return min(max(number, 1), MOST_PAGES)


def offered(agent: Agent) -> Any:
    offers = Offer.objects.filter(agent=agent).select_related("ticket", "decision")
    return offers.order_by("-sent_at", "-pk")


def offered_to_others(agent: Agent, *, at: datetime) -> Any:
    """In the languages this agent speaks, while they were available."""
    available = PresenceSpan.objects.filter(agent=agent, status=Presence.Status.AVAILABLE)
    stretches = Q(pk=None)
    for span in available.order_by("-started_at")[:STRETCHES]:
        until = span.ended_at or at
        stretches |= Q(decision__at__gte=span.started_at, decision__at__lt=until)
    found = Offer.objects.filter(stretches, ticket__language__in=spoken(agent))
    found = found.exclude(agent=agent).select_related("ticket", "decision")
    return found.order_by("-decision__at", "-pk")


def spoken(agent: Agent) -> set[str]:
    """Every language they have been known to speak."""
    spans = AbilitySpan.objects.filter(agent=agent).values_list("abilities", flat=True)
    return {
        language
        for abilities in spans
        for language in snapshot.parse_abilities(" ".join(abilities)).languages
    }


def why_me(agent: Agent, offers: Sequence[Offer]) -> list[DecisionRow]:
    return [_why_me(agent, offer, account) for offer, account in accounts(offers)]


def _why_me(agent: Agent, offer: Offer, account: TicketExplanation | None) -> DecisionRow:
    me = account.find_candidate(agent.pk) if account else None
    about = _about(offer, offer.sent_at) | {"outcome": str(OUTCOMES[offer.status])}
    if account is None or me is None or me.rank is None:
        return DecisionRow(**about)
    return DecisionRow(
        **about,
        standing=reasons.rank_sentence(account, me),
        parts=reasons.cost_breakdown(account, me),
        reasons=list(wording.lowered_for(offer)),
    )


def why_others(agent: Agent, offers: Sequence[Offer]) -> list[DecisionRow]:
    known = _past(agent, offers)
    return [
        DecisionRow(
            **_about(offer, account.decision.at), reasons=list(_why_not(agent, account, known))
        )
        for offer, account in accounts(offers)
        if account
    ]


def _why_not(agent: Agent, account: TicketExplanation, known: AgentHistory) -> Iterable[str]:
    if me := account.find_candidate(agent.pk):
        return reasons.why_not_chosen(account, me)
    onlooker = known.explain(agent.pk, account)
    return reasons.why_not_considered(account, onlooker) if onlooker else []


def accounts(offers: Iterable[Offer]) -> list[tuple[Offer, TicketExplanation | None]]:
    """Each with its account; none for what no wave made. A decision is read once."""
    offers = list(offers)
    made = decided.replay_all(offer.decision for offer in offers if offer.decision)
    return [
        (offer, made[offer.decision.pk].explain(offer.ticket_id) if offer.decision else None)
        for offer in offers
    ]


def _past(agent: Agent, offers: Sequence[Offer]) -> AgentHistory:
    moments = [offer.sent_at for offer in offers]
    if not moments:
        return AgentHistory({}, {})
    second = timedelta(seconds=1)
    return not_considered.read_history(
        [agent.pk], since=min(moments) - second, until=max(moments) + second
    )


def _about(offer: Offer, at: datetime) -> dict[str, Any]:
    """What may be told of a conversation: the topic, the language and the time."""
    return {
        "at": at,
        "topic": wording.plain(offer.ticket.topic),
        "language": wording.language(offer.ticket.language),
    }
