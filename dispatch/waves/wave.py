"""A wave: one pass of matching over those who wait. Any number may run at once.

Tickets wait in lanes; a lane nobody free can serve costs one look and blocks no other. Tickets and
agents somebody else holds are skipped, so a wave never waits, and what it must not do is refused by
constraints. One read and one write, however many it pairs. Lock order: tickets, then agents.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from math import ceil
from typing import Any

import structlog
from django.db import connection, transaction
from django.db.models import Exists, OuterRef
from structlog.contextvars import bind_contextvars
from uuid_utils.compat import uuid7

from agents.pay import quotes, rate_cards
from dispatch import policies, sql
from dispatch.models import Decision, Offer
from dispatch.rules import matching
from dispatch.rules.limits import MOST_AT_ONCE
from dispatch.rules.matching import Match
from dispatch.rules.policy import Policy
from dispatch.waves import handle_time, outcome, scarcity, snapshot
from dispatch.waves.snapshot import Shard, SnapshotAgent, SnapshotTicket, WaveSnapshot
from tickets import lifecycle
from tickets.errors import TicketError
from tickets.models import Ticket

log = structlog.get_logger("dispatch.waves")

ALL = Shard()
#: The places of those a ticket is offered to at once.
SLOTS = frozenset(range(MOST_AT_ONCE))
#: Whoever has waited for so long the matcher has missed, unless nobody is free.
MISSED_AFTER = timedelta(seconds=0.5)
DUE_SQL = sql.read(__package__, "find_due")


@transaction.atomic
def run(*, at: datetime, shard: Shard = ALL) -> int:
    """Offer waiting tickets to free agents; returns how many offers were made."""
    wave = uuid7()
    bind_contextvars(wave=wave.hex)
    policy = policies.read_in_force(at=at)
    seen = snapshot.read(policy=policy, at=at, shard=shard, scarcity=scarcity.current(at=at))
    matches = pair(seen, policy=policy, at=at)
    if not matches:
        return 0
    decision = record_decision(matches, seen, policy, at=at)
    decision.pk = wave
    made = outcome.save(list(draft_offers(matches, seen, at=at)), decision=decision, at=at)
    log.info("wave", waiting=len(seen.waiting), free=len(seen.free), offers=len(made))
    return len(made)


def match_missed(*, at: datetime) -> int:
    """A wave for those the matcher has missed; returns how many offers were made.

    Who came only now is the matcher's, whose plans and caches are warm.
    """
    missed = Ticket.objects.queued().filter(offered=False, queued_at__lte=at - MISSED_AFTER)
    return run(at=at) if missed.exists() else 0


def pair(seen: WaveSnapshot, *, policy: Policy, at: datetime) -> list[Match]:
    """Whom the policy pairs of those seen. The same glance, policy and moment pair the same."""
    tickets, agents = (
        [one.ticket_input for one in seen.waiting],
        [one.agent_input for one in seen.free],
    )
    return matching.match(tickets, agents, policy=policy, at=at)


def record_decision(
    matches: Sequence[Match], seen: WaveSnapshot, policy: Policy, *, at: datetime
) -> Decision:
    """The record of this wave, to be written with its offers."""
    pairs = [[str(match.ticket), str(match.agent)] for match in matches]
    return Decision(policy_id=policy.version, at=at, seen=Decision.pack(seen.raw), pairs=pairs)


def find_due() -> datetime | None:
    """What time it is, if anybody waits to be asked for: whether another wave might find work."""
    with connection.cursor() as cursor:
        cursor.execute(DUE_SQL)
        at, anybody = cursor.fetchone()
    return at if anybody else None


def draft_offers(matches: Sequence[Match], seen: WaveSnapshot, *, at: datetime) -> Iterator[Offer]:
    """The offers to make, pay locked. A client without a rate card gets none: no pay, no work."""
    waiting = {one.ticket_input.id: one for one in seen.waiting}
    free = {one.agent_input.id: one for one in seen.free}
    in_force = rate_cards.read_in_force(
        sorted({one.ticket.client.slug for one in seen.waiting}), at=at
    )
    typical = handle_time.typical(at=at)
    for match in matches:
        ticket, slots = waiting[match.ticket].ticket, waiting[match.ticket].taken_slots
        if ticket.client.slug in in_force:
            card, minutes = in_force[ticket.client.slug]
            took = typical.get((ticket.client_id, ticket.topic), timedelta(minutes=minutes))
            quote = quotes.make_quote(
                card,
                # Also for what is no longer asked for, if they know it.
                skills=[
                    code for code in ticket.skills if code in free[match.agent].agent_input.skills
                ],
                language=ticket.language,
                minutes=ceil(took.total_seconds() / 60),
            )
            why = match.reasons() | _reason_inputs(waiting[match.ticket], free[match.agent], at=at)
            yield Offer(
                ticket=ticket,
                agent=free[match.agent].agent,
                slot=min(SLOTS - slots),
                pay=quote.as_json(),
                reasons=why,
            )


def _reason_inputs(waiting: SnapshotTicket, free: SnapshotAgent, *, at: datetime) -> dict[str, Any]:
    """What the reasons are told with."""
    return {
        "waited_s": int((at - waiting.ticket_input.queued_at).total_seconds()),
        "idle_s": max(int((at - free.agent_input.idle_since).total_seconds()), 0),
        "without": sorted(waiting.ticket.skills.keys() - free.agent_input.skills.keys()),
        "lowered": waiting.lowered,
        "known": free.agent_input.id in waiting.ticket_input.known_by,
        "again": free.agent_input.id in waiting.ticket_input.timed_out_by,
    }


def reopen_hesitant(*, at: datetime, limit: int = 500) -> int:
    """Those whose agent hesitates may be offered to another too; returns how many."""
    return lifecycle.mark_reofferable_due(at=at, limit=limit)


def lower_levels(*, at: datetime, limit: int = 200) -> int:
    """Lower what is asked for where customers have waited; returns for how many tickets."""
    lowering = partial(_lowered, policy=policies.read_in_force(at=at), at=at)
    return lifecycle.lower_levels(lowering=lowering, at=at, limit=limit)


def _lowered(
    ticket: Ticket, *, policy: Policy, at: datetime
) -> tuple[int, dict[str, int], datetime | None]:
    """How many steps this ticket's wait has come to, what it asks for then, when the next comes.

    Never fewer steps than it has taken: under a policy that lowers later nothing is raised again.
    """
    moments = [
        ticket.queued_at + wait for wait in policy.lowering_waits(ticket.client.answer_within)
    ]
    steps = max(sum(moment <= at for moment in moments), ticket.times_lowered)
    needs = policy.lower_skills(ticket.skills, steps, gives_way=ticket.gives_way)
    following = moments[steps : steps + 1]
    return steps, needs, following[0] if following else None


def give_up_overdue(*, at: datetime, limit: int = 100) -> int:
    """Tell those whose patience is over that nobody is available; returns how many.

    While an offer is out the customer is not told: somebody may be reading it.
    """
    asked = Offer.objects.pending().filter(ticket=OuterRef("pk"))
    overdue = Ticket.objects.queued().filter(~Exists(asked), give_up_at__lte=at)
    due = list(overdue.select_related("client").order_by("give_up_at")[:limit])
    for ticket in due:
        _give_up(ticket, at=at)
    return len(due)


def _give_up(ticket: Ticket, *, at: datetime) -> None:
    """Somebody may have taken the ticket since it was read; then there is nothing to tell."""
    try:
        lifecycle.give_up(ticket, at=at)
    except TicketError:
        return
