"""A wave: one pass of matching over those who wait. Any number may run at once.

Tickets wait in lanes; a lane nobody free can serve costs one look and blocks no other. Tickets and
agents somebody else holds are skipped, so a wave never waits, and what it must not do is refused by
constraints. Two reads and one write, however many it pairs. Lock order: tickets, then agents.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from math import ceil
from typing import Any, NamedTuple
from uuid import UUID

import structlog
from django.db import connection, transaction
from django.db.models import Exists, OuterRef
from structlog.contextvars import bind_contextvars
from uuid_utils import uuid7

from agents.models import Agent, User
from agents.models.presence import SILENCE
from agents.pay import cards, rates
from dispatch import handle_time, matching, offers
from dispatch.matching import FreeAgent, Match, Policy, WaitingTicket
from dispatch.models import Offer
from tickets import lifecycle
from tickets.errors import TicketError
from tickets.models import Client, Ticket

log = structlog.get_logger("dispatch.waves")

POLICY = Policy()
BATCH = 100
#: So many more agents of a lane are looked at than it has tickets, the longest idle first.
CHOICE = 30

# The lanes are found by skipping from one to the next through the index, so the length of the queue
# costs nothing. A ticket's own row says whether it is asked for, so a wave that ended while this
# one ran is seen when the row is locked. A ticket nobody free can be asked for (they all passed, or
# its client has no rate card) is left out here, or it would stand in the way of those behind it.
WAITING = """
WITH RECURSIVE lanes(lane) AS (
    (SELECT lane FROM tickets_ticket WHERE status = 'queued' AND NOT asked ORDER BY lane LIMIT 1)
    UNION ALL
    SELECT (SELECT t.lane FROM tickets_ticket t
            WHERE t.status = 'queued' AND NOT t.asked AND t.lane > lanes.lane
            ORDER BY t.lane LIMIT 1)
    FROM lanes WHERE lanes.lane IS NOT NULL
), served AS (
    SELECT lane, places FROM lanes CROSS JOIN LATERAL (
        SELECT count(*) AS places FROM (
            SELECT 1 FROM agents_presence p
            WHERE p.status = 'available' AND p.load < p.capacity AND p.seen_at > %(heard)s
              AND p.abilities @> string_to_array(lanes.lane, ' ')
            LIMIT %(batch)s
        ) free
    ) counted WHERE lane IS NOT NULL AND places > 0
), picked AS (
    SELECT next.id FROM served CROSS JOIN LATERAL (
        SELECT t.id, t.urgency, t.due_at FROM tickets_ticket t
        WHERE t.status = 'queued' AND NOT t.asked AND t.lane = served.lane AND t.give_up_at > %(at)s
          AND EXISTS (
            SELECT 1 FROM tickets_client c JOIN agents_ratecard r ON r.client = c.slug
            WHERE c.id = t.client_id AND r.valid_from <= %(at)s
              AND (r.valid_to IS NULL OR r.valid_to > %(at)s))
          AND (NOT EXISTS (
            SELECT 1 FROM dispatch_offer o WHERE o.ticket_id = t.id AND o.status = 'declined')
          OR EXISTS (
            SELECT 1 FROM agents_presence p
            WHERE p.status = 'available' AND p.load < p.capacity AND p.seen_at > %(heard)s
              AND p.abilities @> string_to_array(t.lane, ' ')
              AND NOT EXISTS (
                SELECT 1 FROM dispatch_offer o
                WHERE o.ticket_id = t.id AND o.agent_id = p.agent_id AND o.status = 'declined')))
        ORDER BY t.urgency DESC, t.due_at, t.id LIMIT served.places
    ) next ORDER BY next.urgency DESC, next.due_at, next.id LIMIT %(batch)s
)
SELECT t.id, t.lane, t.language, t.topic, t.urgency, t.queued_at, t.due_at,
    c.id, c.slug, c.name,
    ARRAY(SELECT o.agent_id FROM dispatch_offer o
          WHERE o.ticket_id = t.id AND o.status = 'declined'),
    ARRAY(SELECT o.agent_id FROM dispatch_offer o
          WHERE o.ticket_id = t.id AND o.status = 'expired')
FROM tickets_ticket t JOIN tickets_client c ON c.id = t.client_id
WHERE t.id IN (SELECT id FROM picked) AND t.status = 'queued' AND NOT t.asked
FOR UPDATE OF t SKIP LOCKED
"""

FREE = """
SELECT p.agent_id, p.abilities, coalesce(p.idle_since, p.since), a.name, u.language
FROM (
    SELECT DISTINCT fit.agent_id FROM unnest(%(lanes)s::text[], %(wanted)s::int[]) l(lane, wanted)
    CROSS JOIN LATERAL (
        SELECT p.agent_id FROM agents_presence p
        WHERE p.status = 'available' AND p.load < p.capacity AND p.seen_at > %(heard)s
          AND p.abilities @> string_to_array(l.lane, ' ')
        ORDER BY p.idle_since LIMIT l.wanted
    ) fit
) chosen
JOIN agents_presence p USING (agent_id)
JOIN agents_agent a ON a.id = p.agent_id AND a.status = 'approved'
JOIN agents_user u ON u.id = a.user_id
"""


class Waiting(NamedTuple):
    """A ticket a wave holds: as matching sees it, and as its offer is written."""

    need: WaitingTicket
    lane: str
    ticket: Ticket


class Free(NamedTuple):
    """An agent a wave could ask, and how to address them."""

    able: FreeAgent
    name: str
    language: str

    @property
    def agent(self) -> Agent:
        return Agent(id=self.able.id, name=self.name, user=User(language=self.language))


@transaction.atomic
def run(*, at: datetime) -> int:
    """Offer waiting tickets to free agents; returns how many offers were made."""
    bind_contextvars(wave=uuid7().hex)
    waiting = waiting_tickets(at=at)
    if not waiting:
        return 0
    free = free_agents(waiting, at=at)
    matches = matching.match(
        [one.need for one in waiting], [one.able for one in free], policy=POLICY, at=at
    )
    made = offers.make(drafted(matches, waiting, free, at=at), at=at)
    log.info("wave", waiting=len(waiting), free=len(free), offers=len(made))
    return len(made)


def anybody_waits() -> bool:
    """Whether another wave might find work; one look at an index."""
    return Ticket.objects.queued().filter(asked=False).exists()


def waiting_tickets(*, at: datetime) -> list[Waiting]:
    """The next to be served in each lane somebody free can serve, locked."""
    rows = _rows(WAITING, at=at, heard=at - SILENCE, batch=BATCH)
    return [_waiting(*row) for row in rows]


def free_agents(waiting: Sequence[Waiting], *, at: datetime) -> list[Free]:
    """Those with room who can serve one of the lanes, the longest idle of each."""
    lanes = Counter(one.lane for one in waiting)
    wanted = [count + CHOICE for count in lanes.values()]
    rows = _rows(FREE, lanes=list(lanes), wanted=wanted, heard=at - SILENCE)
    return [_free(*row) for row in rows]


def drafted(
    matches: Sequence[Match], waiting: Sequence[Waiting], free: Sequence[Free], *, at: datetime
) -> list[Offer]:
    """The offers to make, pay locked. A client without a rate card gets none: no pay, no work."""
    ticket_of = {one.need.id: one.ticket for one in waiting}
    free_of = {one.able.id: one for one in free}
    in_force = cards.in_force(sorted({one.ticket.client.slug for one in waiting}), at=at)
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
            why = {**match.reasons(), "waited_s": int((at - ticket.queued_at).total_seconds())}
            agent = free_of[match.agent].agent
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


def _rows(query: str, **given: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, given)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def _waiting(*row: Any) -> Waiting:
    pk, lane, language, topic, urgency, queued_at, due_at, *client, declined, expired = row
    needs = [need.split(":") for need in lane.split(" ")[1:]]
    ticket = Ticket(
        id=pk,
        client=Client(id=client[0], slug=client[1], name=client[2]),
        language=language,
        topic=topic,
        skills={code: int(level) for code, level in needs},
        urgency=urgency,
        queued_at=queued_at,
        due_at=due_at,
    )
    need = WaitingTicket(
        id=pk,
        language=language,
        queued_at=queued_at,
        due_at=due_at,
        urgency=urgency,
        skills=ticket.skills,
        declined_by=frozenset(declined),
        timed_out_by=frozenset(expired),
    )
    return Waiting(need, lane, ticket)


def _free(pk: UUID, abilities: list[str], idle_since: datetime, name: str, language: str) -> Free:
    """The last step of each ability is the proficiency: they come in order."""
    languages = dict(one.split("/") for one in abilities if "/" in one)
    skills = dict(one.split(":") for one in abilities if ":" in one)
    able = FreeAgent(
        id=pk,
        languages={code: int(level) for code, level in languages.items()},
        skills={code: int(level) for code, level in skills.items()},
        idle_since=idle_since,
    )
    return Free(able, name, language)
