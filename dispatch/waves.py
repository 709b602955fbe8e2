"""A wave: one pass of matching over all who wait. Any number may run at once.

Tickets and agents somebody else holds are skipped, so a wave never waits; what it must not do is
refused by constraints. Lock order: tickets, then agents.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from math import ceil
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef

from agents.models import Agent, AgentLanguage, Presence
from agents.pay import cards, rates
from dispatch import handle_time, matching, offers
from dispatch.matching import FreeAgent, Match, Policy, WaitingTicket
from dispatch.models import Offer
from tickets import lifecycle
from tickets.errors import TicketError
from tickets.models import Ticket

POLICY = Policy()
BATCH = 100


@transaction.atomic
def run(*, at: datetime) -> int:
    """Offer waiting tickets to free agents; returns how many offers were made."""
    tickets = waiting_tickets(at=at)
    if not tickets:
        return 0
    agents = free_agents({ticket.language for ticket in tickets}, at=at)
    if not agents:
        return 0
    matches = matching.match(
        described(tickets), [free for free, _agent in agents], policy=POLICY, at=at
    )
    return len(offers.make(drafted(matches, tickets, [agent for _, agent in agents], at=at), at=at))


def waiting_tickets(*, at: datetime) -> list[Ticket]:
    """The next to be served, locked: of languages somebody free speaks, so none blocks another."""
    spoken = AgentLanguage.objects.filter(agent__presence__in=Presence.objects.free(at=at))
    held = list(
        Ticket.objects.queued()
        .filter(~Exists(Offer.objects.pending().filter(ticket=OuterRef("pk"))), give_up_at__gt=at)
        .filter(language__in=spoken.values("language"))
        .select_related("client")
        .in_order()
        .select_for_update(skip_locked=True, of=("self",))[:BATCH]
    )
    # A wave that ended while this query ran left its tickets unlocked and, to it, without offers.
    pending = Offer.objects.pending().filter(ticket__in=held)
    asked = set(pending.values_list("ticket_id", flat=True))
    return [ticket for ticket in held if ticket.pk not in asked]


def free_agents(languages: Iterable[str], *, at: datetime) -> list[tuple[FreeAgent, Agent]]:
    """Those with room who speak one of the languages, locked, the longest idle first."""
    held = list(
        Presence.objects.free(at=at)
        .filter(agent__status=Agent.Status.APPROVED, agent__languages__language__in=languages)
        .order_by("idle_since")
        .select_for_update(skip_locked=True, of=("self",))
        .values_list("agent_id", flat=True)
    )
    agents = Agent.objects.filter(pk__in=held).select_related("presence", "user")
    return [(_free(agent), agent) for agent in agents.prefetch_related("languages", "skills")]


def described(tickets: Iterable[Ticket]) -> list[WaitingTicket]:
    """The tickets as matching sees them."""
    declined = _asked(tickets, Offer.Status.DECLINED)
    timed_out = _asked(tickets, Offer.Status.EXPIRED)
    return [
        WaitingTicket(
            id=ticket.pk,
            language=ticket.language,
            queued_at=ticket.queued_at,
            due_at=ticket.due_at,
            urgency=ticket.urgency,
            skills=ticket.skills,
            declined_by=frozenset(declined[ticket.pk]),
            timed_out_by=frozenset(timed_out[ticket.pk]),
        )
        for ticket in tickets
    ]


def drafted(
    matches: Iterable[Match], tickets: Iterable[Ticket], agents: Iterable[Agent], *, at: datetime
) -> list[Offer]:
    """The offers to make, pay locked. A client without a rate card gets none: no pay, no work."""
    ticket_of = {ticket.pk: ticket for ticket in tickets}
    agent_of = {agent.pk: agent for agent in agents}
    in_force = cards.in_force({ticket.client.slug for ticket in tickets}, at=at)
    typical = handle_time.typical(at=at)
    drafts = []
    for match in matches:
        ticket = ticket_of[match.ticket]
        if ticket.client.slug in in_force:
            card, minutes = in_force[ticket.client.slug]
            took = typical.get((ticket.client_id, ticket.topic), timedelta(minutes=minutes))
            quote = rates.quote(
                card,
                skills=ticket.skills,
                language=ticket.language,
                minutes=ceil(took.total_seconds() / 60),
            )
            agent = agent_of[match.agent]
            why = {**match.reasons(), "waited_s": int((at - ticket.queued_at).total_seconds())}
            drafts.append(Offer(ticket=ticket, agent=agent, pay=quote.as_json(), reasons=why))
    return drafts


def give_up_overdue(*, at: datetime, limit: int = 100) -> int:
    """Tell those whose patience is over that nobody is available; returns how many.

    While an offer is out the customer is not told: somebody may be reading it.
    """
    asked = Offer.objects.pending().filter(ticket=OuterRef("pk"))
    overdue = Ticket.objects.queued().filter(~Exists(asked), give_up_at__lte=at)
    due = list(overdue.order_by("give_up_at")[:limit])
    for ticket in due:
        _give_up(ticket, at=at)
    return len(due)


def _give_up(ticket: Ticket, *, at: datetime) -> None:
    """Somebody may have taken the ticket since it was read; then there is nothing to tell."""
    try:
        lifecycle.give_up(ticket, at=at)
    except TicketError:
        return


def _free(agent: Agent) -> FreeAgent:
    return FreeAgent(
        id=agent.pk,
        languages={spoken.language: spoken.level for spoken in agent.languages.all()},
        skills={known.skill: known.level for known in agent.skills.all()},
        idle_since=agent.presence.idle_since or agent.created_at,
    )


def _asked(tickets: Iterable[Ticket], status: Offer.Status) -> defaultdict[UUID, set[UUID]]:
    found: defaultdict[UUID, set[UUID]] = defaultdict(set)
    rows = Offer.objects.filter(ticket__in=tickets, status=status)
    for ticket, agent in rows.values_list("ticket", "agent"):
        found[ticket].add(agent)
    return found
