"""A wave: one matching pass over the waiting tickets. Any number may run at once.

Tickets wait in lanes. A lane that no free agent can serve costs one look-up and blocks no other.
Tickets and agents locked by another wave are skipped, so a wave never waits. Constraints refuse
what it must not do. It needs one read and one write, however many it pairs. Lock order: tickets,
then agents.
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
#: The slots of the offers that a ticket may have at once.
SLOTS = frozenset(range(MOST_AT_ONCE))
#: A ticket still unoffered after this time was missed by the matcher, unless no agent is free.
MISSED_AFTER = timedelta(seconds=0.5)
DUE_SQL = sql.read(__package__, "find_due")


@transaction.atomic
def run(*, at: datetime, shard: Shard = ALL) -> int:
    """Offer waiting tickets to free agents; returns how many offers were made."""
    wave = uuid7()
    bind_contextvars(wave=wave.hex)
    policy = policies.read_in_force(at=at)
    seen = snapshot.read(policy=policy, at=at, shard=shard, scarcity=scarcity.get_current(at=at))
    matches = pair(seen, policy=policy, at=at)
    if not matches:
        return 0
    decision = record_decision(matches, seen, policy, at=at)
    decision.pk = wave
    made = outcome.save(list(draft_offers(matches, seen, at=at)), decision=decision, at=at)
    log.info("wave", waiting=len(seen.waiting), free=len(seen.free), offers=len(made))
    return len(made)


def match_missed(*, at: datetime) -> int:
    """Run a wave if the matcher missed tickets; returns how many offers were made.

    Newer tickets are left to the matcher, whose plans and caches are warm.
    """
    missed = Ticket.objects.queued().filter(offered=False, queued_at__lte=at - MISSED_AFTER)
    return run(at=at) if missed.exists() else 0


def pair(seen: WaveSnapshot, *, policy: Policy, at: datetime) -> list[Match]:
    """Pair tickets and agents by the policy. The same snapshot, policy and time give the same
    pairs.
    """
    tickets, agents = (
        [one.ticket_input for one in seen.waiting],
        [one.agent_input for one in seen.free],
    )
    return matching.match(tickets, agents, policy=policy, at=at)


def record_decision(
    matches: Sequence[Match], seen: WaveSnapshot, policy: Policy, *, at: datetime
) -> Decision:
    """Build the record of this wave, to be saved with its offers."""
    pairs = [[str(match.ticket), str(match.agent)] for match in matches]
    return Decision(policy_id=policy.version, at=at, seen=Decision.pack(seen.raw), pairs=pairs)


def find_due() -> datetime | None:
    """Return the current time if a ticket waits to be offered, so another wave might find work."""
    with connection.cursor() as cursor:
        cursor.execute(DUE_SQL)
        at, is_waiting = cursor.fetchone()
    return at if is_waiting else None


def draft_offers(matches: Sequence[Match], seen: WaveSnapshot, *, at: datetime) -> Iterator[Offer]:
    """Yield the offers with their pay. A client without a rate card gets none: no pay, no work."""
    waiting = {one.ticket_input.id: one for one in seen.waiting}
    free = {one.agent_input.id: one for one in seen.free}
    in_force = rate_cards.read_in_force(
        sorted({one.ticket.client.slug for one in seen.waiting}), at=at
    )
    medians = handle_time.get_medians(at=at)
    for match in matches:
        ticket, slots = waiting[match.ticket].ticket, waiting[match.ticket].taken_slots
        if ticket.client.slug in in_force:
            card, minutes = in_force[ticket.client.slug]
            took = medians.get((ticket.client_id, ticket.topic), timedelta(minutes=minutes))
            quote = quotes.make_quote(
                card,
                # A skill that is no longer required is paid too, if the agent has it.
                skills=[
                    code for code in ticket.skills if code in free[match.agent].agent_input.skills
                ],
                language=ticket.language,
                minutes=ceil(took.total_seconds() / 60),
            )
            why = match.reasons() | _build_reason_inputs(
                waiting[match.ticket], free[match.agent], at=at
            )
            yield Offer(
                ticket=ticket,
                agent=free[match.agent].agent,
                slot=min(SLOTS - slots),
                pay=quote.as_json(),
                reasons=why,
            )


def _build_reason_inputs(
    waiting: SnapshotTicket, free: SnapshotAgent, *, at: datetime
) -> dict[str, Any]:
    """Return the facts from which the reasons are worded."""
    return {
        "waited_s": int((at - waiting.ticket_input.queued_at).total_seconds()),
        "idle_s": max(int((at - free.agent_input.idle_since).total_seconds()), 0),
        "without": sorted(waiting.ticket.skills.keys() - free.agent_input.skills.keys()),
        "lowered": waiting.lowered_skills,
        "known": free.agent_input.id in waiting.ticket_input.known_by,
        "again": free.agent_input.id in waiting.ticket_input.timed_out_by,
    }


def reopen_hesitant(*, at: datetime, limit: int = 500) -> int:
    """Let tickets whose agent hesitates be offered to another too; returns how many."""
    return lifecycle.mark_reofferable_due(at=at, limit=limit)


def lower_levels(*, at: datetime, limit: int = 200) -> int:
    """Lower the requirements of tickets that have waited; returns how many."""
    lowering = partial(_compute_level, policy=policies.read_in_force(at=at), at=at)
    return lifecycle.lower_levels(lowering=lowering, at=at, limit=limit)


def _compute_level(
    ticket: Ticket, *, policy: Policy, at: datetime
) -> tuple[int, dict[str, int], datetime | None]:
    """Return the ticket's step, its requirements at that step, and the time of the next check.

    A step taken is never undone, so a policy that lowers later raises nothing again. The next
    check is at the next step or at the next version of the policy, whichever comes first.
    """
    moments = [
        ticket.queued_at + wait for wait in policy.lowering_waits(ticket.client.answer_within)
    ]
    steps = max(sum(moment <= at for moment in moments), ticket.times_lowered)
    needs = policy.lower_skills(ticket.skills, steps, gives_way=ticket.gives_way)
    following = [*moments[steps : steps + 1], policies.next_change(at=at)]
    return steps, needs, min((each for each in following if each), default=None)


def give_up_overdue(*, at: datetime, limit: int = 100) -> int:
    """Tell customers whose patience is over that no agent is available; returns how many.

    A ticket with a pending offer is left out, because an agent may be reading it.
    """
    pending = Offer.objects.pending().filter(ticket=OuterRef("pk"))
    overdue = Ticket.objects.queued().filter(~Exists(pending), give_up_at__lte=at)
    due = list(overdue.select_related("client").order_by("give_up_at")[:limit])
    for ticket in due:
        _give_up(ticket, at=at)
    return len(due)


def _give_up(ticket: Ticket, *, at: datetime) -> None:
    """Give up the ticket, unless an agent has taken it since it was read."""
    try:
        lifecycle.give_up(ticket, at=at)
    except TicketError:
        return
