"""A glance: what one wave sees, read by one statement and kept as it was read.

The tickets are locked by reading them. What the database sends is JSON, and that JSON itself is
what a decision keeps, so that running the decision again starts from the very same words.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple, Self
from uuid import UUID

import orjson
from django.db import connection

from agents.models import Agent, User
from agents.models.presence import SILENCE
from dispatch.policy import FreeAgent, Policy, WaitingTicket
from tickets.models import Client, Ticket

#: How many tickets a wave takes on; ten times as many take more than ten times as long.
BATCH = 100
#: So many more agents than tickets are looked at, the longest idle of each lane first. Where many
#: lanes wait they share this.
CHOICE = 300
LEAST_CHOICE = 5
#: Who helped a customer within this time knows them.
KNOWS_FOR = timedelta(days=90)

# The lanes are found by skipping from one to the next through the index, so the length of the queue
# costs nothing. A ticket's own row says whether it is asked for, so a wave that ended while this
# one ran is seen when the row is locked. A ticket nobody free can be asked for (they all passed, or
# its client has no rate card) is left out here, or it would stand in the way of those behind it.
# Those who passed or shall not be asked are looked at beside the others, or they would hide them.
# An acquaintance who isn't free counts as nobody's, or customers who come back would wait longer.
# Where many lanes wait, each gets a share of the batch, so that a wave takes as long as ever.
READ = """
WITH RECURSIVE lanes(lane) AS (
    (SELECT lane FROM tickets_ticket WHERE status = 'queued' AND NOT asked ORDER BY lane LIMIT 1)
    UNION ALL
    SELECT (SELECT t.lane FROM tickets_ticket t
            WHERE t.status = 'queued' AND NOT t.asked AND t.lane > lanes.lane
            ORDER BY t.lane LIMIT 1)
    FROM lanes WHERE lanes.lane IS NOT NULL
), shares AS (
    SELECT greatest(4, %(batch)s / count) AS places, greatest(%(least)s, %(choice)s / count) AS more
    FROM (SELECT greatest(count(lane), 1) AS count FROM lanes) counted
), served AS (
    SELECT lane, string_to_array(lane, ' ') AS needs, free.places
    FROM lanes CROSS JOIN shares CROSS JOIN LATERAL (
        SELECT count(*) AS places FROM (
            SELECT 1 FROM agents_freeplace f
            WHERE f.language = split_part(lane, '/', 1)
              AND f.abilities @> string_to_array(lane, ' ')
            ORDER BY f.idle_since LIMIT shares.places
        ) able
    ) free
    WHERE free.places > 0
      AND (hashtext(split_part(lane, '/', 1)) & 65535) %% %(shards)s = %(shard)s
), picked AS (
    SELECT next.id FROM served
    CROSS JOIN unnest(ARRAY[0, 1, 2]) asking(urgency)
    CROSS JOIN LATERAL (
        SELECT t.id, t.due_at - asking.urgency * %(head_start)s::interval AS due
        FROM tickets_ticket t
        WHERE t.status = 'queued' AND NOT t.asked AND t.lane = served.lane
          AND t.urgency = asking.urgency AND t.give_up_at > %(at)s
          AND EXISTS (
            SELECT 1 FROM tickets_client c JOIN agents_ratecard r ON r.client = c.slug
            WHERE c.id = t.client_id AND r.valid_from <= %(at)s
              AND (r.valid_to IS NULL OR r.valid_to > %(at)s))
          AND (NOT EXISTS (
            SELECT 1 FROM dispatch_offer o
            WHERE o.ticket_id = t.id AND o.status IN ('declined', 'sent', 'shown') AND NOT o.again
            UNION ALL
            SELECT 1 FROM dispatch_acquaintance q
            WHERE q.client_id = t.client_id AND q.customer_ref = t.customer_ref
              AND q.blocked_at IS NOT NULL)
          OR EXISTS (
            SELECT 1 FROM agents_freeplace f
            WHERE f.language = t.language AND f.abilities @> served.needs
              AND NOT EXISTS (
                SELECT 1 FROM dispatch_offer o
                WHERE o.ticket_id = t.id AND o.agent_id = f.agent_id
                  AND o.status IN ('declined', 'sent', 'shown') AND NOT o.again)
              AND NOT EXISTS (
                SELECT 1 FROM dispatch_acquaintance q
                WHERE q.client_id = t.client_id AND q.customer_ref = t.customer_ref
                  AND q.agent_id = f.agent_id AND q.blocked_at IS NOT NULL)))
        ORDER BY t.due_at, t.id LIMIT served.places
    ) next ORDER BY next.due, next.id LIMIT %(batch)s
), held AS (
    SELECT t.id, t.lane, t.topic, t.urgency, t.queued_at, t.due_at, t.client_id, t.customer_ref
    FROM tickets_ticket t
    WHERE t.id IN (SELECT id FROM picked) AND t.status = 'queued' AND NOT t.asked
    FOR UPDATE OF t SKIP LOCKED
), met AS (
    SELECT held.id, q.agent_id, q.blocked_at IS NOT NULL AS blocked
    FROM held JOIN dispatch_acquaintance q
      ON q.client_id = held.client_id AND q.customer_ref = held.customer_ref
    LEFT JOIN agents_freeplace f ON f.agent_id = q.agent_id
      AND f.language = split_part(held.lane, '/', 1)
      AND f.abilities @> string_to_array(held.lane, ' ')
    WHERE q.blocked_at IS NOT NULL OR (q.met_at > %(known_since)s AND f.agent_id IS NOT NULL)
), offered AS (
    SELECT o.ticket_id AS id, o.agent_id, o.status, o.again, o.place
    FROM held JOIN dispatch_offer o ON o.ticket_id = held.id
    WHERE o.status NOT IN ('accepted', 'withdrawn', 'taken')
), wanted AS (
    SELECT held.lane, string_to_array(held.lane, ' ') AS needs,
        count(*) + shares.more + coalesce(sum(refusals), 0) AS many
    FROM held CROSS JOIN shares CROSS JOIN LATERAL (
        SELECT (SELECT count(*) FROM offered WHERE offered.id = held.id)
             + (SELECT count(*) FROM met WHERE met.id = held.id AND met.blocked) AS refusals
    ) r
    GROUP BY held.lane, shares.more
), chosen AS (
    SELECT fit.agent_id FROM wanted CROSS JOIN LATERAL (
        SELECT f.agent_id FROM agents_freeplace f JOIN agents_presence p USING (agent_id)
        WHERE f.language = split_part(wanted.lane, '/', 1) AND f.abilities @> wanted.needs
          AND p.seen_at > %(heard)s
        ORDER BY f.idle_since LIMIT wanted.many
    ) fit
    UNION
    SELECT met.agent_id FROM met JOIN agents_presence p USING (agent_id)
    WHERE NOT met.blocked AND p.seen_at > %(heard)s
)
SELECT (
    SELECT json_agg(json_build_array(
        held.id, held.lane, held.topic, held.urgency, held.queued_at, held.due_at,
        c.id, c.slug, c.name,
        (SELECT json_agg(json_build_array(o.agent_id, o.status, o.again, o.place))
         FROM offered o WHERE o.id = held.id),
        (SELECT json_agg(json_build_array(met.agent_id, met.blocked))
         FROM met WHERE met.id = held.id)))
    FROM held JOIN tickets_client c ON c.id = held.client_id
)::text, (
    SELECT json_agg(json_build_array(
        p.agent_id, array_to_string(p.abilities, ' '), p.idle_since,
        p.capacity - p.load,
        CASE WHEN p.worked_on = %(today)s THEN p.worked_today ELSE 0 END,
        coalesce(s.reviews, 0), coalesce(s.good, 0), u.language))
    FROM chosen JOIN agents_presence p USING (agent_id)
    JOIN agents_agent a ON a.id = p.agent_id AND a.status = 'approved'
    JOIN agents_user u ON u.id = a.user_id
    LEFT JOIN dispatch_standing s ON s.agent_id = p.agent_id
)::text
"""


#: Shorter than 4,096 characters: longer statements are parsed anew each time they are sent.
ONE_LINE = " ".join(READ.split())


class Shard(NamedTuple):
    """Which part of the languages a matcher serves: one of so many."""

    number: int = 0
    of: int = 1


class Waiting(NamedTuple):
    """A ticket as matching sees it, and as its offer is written: which places are taken."""

    need: WaitingTicket
    ticket: Ticket
    places: frozenset[int]


class Free(NamedTuple):
    """An agent as matching sees them, and the language of their pages."""

    able: FreeAgent
    language: str

    @property
    def agent(self) -> Agent:
        return Agent(id=self.able.id, user=User(language=self.language))


@dataclass(frozen=True)
class Glance:
    """Those who wait and those who are free, and the words they were read from."""

    waiting: Sequence[Waiting]
    free: Sequence[Free]
    words: bytes = b""

    @classmethod
    def of(cls, words: bytes) -> Self:
        tickets, agents = orjson.loads(words)
        return cls([_waiting(*row) for row in tickets], [_free(*row) for row in agents], words)


def take(*, policy: Policy, at: datetime, shard: Shard) -> Glance:
    """The next to be served in each lane somebody free can serve, locked, and who could."""
    given: dict[str, Any] = {
        "at": at,
        "today": at.date(),
        "heard": at - SILENCE,
        "known_since": at - KNOWS_FOR,
        "batch": BATCH,
        "choice": CHOICE,
        "least": LEAST_CHOICE,
        "head_start": policy.head_start(1),
        "shard": shard.number,
        "shards": shard.of,
    }
    with connection.cursor() as cursor:
        cursor.execute(ONE_LINE, given)
        tickets, agents = cursor.fetchone()
    if not tickets or not agents:
        return Glance([], [])
    return Glance.of(f"[{tickets},{agents}]".encode())


def _waiting(
    pk: str,
    lane: str,
    topic: str,
    urgency: int,
    queued_at: str,
    due_at: str,
    client: str,
    slug: str,
    name: str,
    offered: list[tuple[str, str, bool, int]] | None,
    met: list[tuple[str, bool]] | None,
) -> Waiting:
    refusals = _refusals(offered or [])
    known = frozenset(UUID(who) for who, blocked in met or [] if not blocked)
    need = WaitingTicket(
        id=UUID(pk),
        queued_at=datetime.fromisoformat(queued_at),
        due_at=datetime.fromisoformat(due_at),
        urgency=urgency,
        **_asked_for(lane),
        **refusals,
        blocked=frozenset(UUID(who) for who, blocked in met or [] if blocked),
        # Who is not to be asked keeps no stranger from being as good as any.
        known_by=known - refusals["asked"] - refusals["declined_by"],
    )
    ticket = Ticket(
        id=need.id,
        client=Client(id=UUID(client), slug=slug, name=name),
        language=need.language,
        topic=topic,
        skills=dict(need.skills),
        urgency=urgency,
        queued_at=need.queued_at,
        due_at=need.due_at,
    )
    pending = {place for _, status, _, place in offered or [] if status in ("sent", "shown")}
    return Waiting(need, ticket, frozenset(pending))


def _asked_for(lane: str) -> dict[str, Any]:
    language, *needs = lane.split(" ")
    skills = dict(need.split(":") for need in needs if ":" in need)
    return {
        "language": language.split("/")[0],
        "skills": {code: int(level) for code, level in skills.items()},
        "certificate": next((need[1:] for need in needs if need.startswith("+")), ""),
    }


def _refusals(offered: list[tuple[str, str, bool, int]]) -> dict[str, Any]:
    """Who has it on the screen, who passed for good, and who may be asked again at the end."""
    asked = {who for who, status, _, _ in offered if status in ("sent", "shown")}
    declined = {who for who, status, again, _ in offered if status == "declined" and not again}
    others = {who for who, *_ in offered} - asked - declined
    groups = {"asked": asked, "declined_by": declined, "timed_out_by": others}
    return {name: frozenset(map(UUID, group)) for name, group in groups.items()}


def _free(
    pk: str,
    abilities: str,
    idle_since: str,
    room: int,
    worked_today: int,
    reviews: int,
    good_reviews: int,
    language: str,
) -> Free:
    able = FreeAgent(
        id=UUID(pk),
        **can(abilities)._asdict(),
        idle_since=datetime.fromisoformat(idle_since),
        room=room,
        worked_today=worked_today,
        reviews=reviews,
        good_reviews=good_reviews,
    )
    return Free(able, language)


class Abilities(NamedTuple):
    """What the words of `Presence.abilities` say."""

    languages: Mapping[str, int]
    skills: Mapping[str, int]
    certificates: frozenset[str]


@lru_cache(maxsize=50_000)
def can(words: str) -> Abilities:
    """Read the words, parted by spaces. The last step of each is the proficiency: they come in
    order."""
    able = words.split(" ")
    languages = dict(word.split("/") for word in able if "/" in word)
    skills = dict(word.split(":") for word in able if ":" in word)
    return Abilities(
        {code: int(level) for code, level in languages.items()},
        {code: int(level) for code, level in skills.items()},
        frozenset(word[1:] for word in able if word.startswith("+")),
    )
