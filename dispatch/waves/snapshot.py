"""The snapshot of a wave: read by one statement and stored as read.

Reading locks the tickets. The database sends JSON, and a decision stores that same JSON, so a
replay starts from exactly the same input.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple, Self
from uuid import UUID

import orjson
from django.db import connection

from agents.models import Agent, User
from agents.models.presence import SILENCE
from dispatch.rules import limits
from dispatch.rules import policy as rules
from dispatch.rules.policy import FreeAgent, Policy, WaitingTicket
from dispatch.waves import snapshot_query
from dispatch.waves.snapshot_query import AffinityRow, AgentRow, PastOfferRow, TicketRow
from tickets.models import Client, Ticket

#: The values of `Offer.PENDING` as they stand in a row.
PENDING = ("sent", "shown")


class Shard(NamedTuple):
    """The part of the languages that a matcher serves: `number` of `of`."""

    number: int = 0
    of: int = 1


class SnapshotTicket(NamedTuple):
    """A ticket as matching sees it, as its offer is saved, and with its taken slots."""

    ticket_input: WaitingTicket
    ticket: Ticket
    taken_slots: frozenset[int]

    @property
    def lowered_skills(self) -> dict[str, tuple[int, int]]:
        """The first and the present level of each skill whose requirement was lowered.

        A present level of 0 means that the skill is no longer required.
        """
        still = self.ticket_input.skills
        return {
            code: (level, still.get(code, 0))
            for code, level in self.ticket.skills.items()
            if still.get(code, 0) < level
        }


class SnapshotAgent(NamedTuple):
    """An agent as matching sees them, and the language of their pages."""

    agent_input: FreeAgent
    language: str

    @property
    def agent(self) -> Agent:
        return Agent(id=self.agent_input.id, user=_build_user(self.language))


@dataclass(frozen=True)
class WaveSnapshot:
    """The waiting tickets and the free agents, and the JSON they were read from."""

    waiting: Sequence[SnapshotTicket]
    free: Sequence[SnapshotAgent]
    raw: bytes = b""

    @classmethod
    def from_json(cls, raw: bytes) -> Self:
        tickets, agents, scarcity = orjson.loads(raw)
        # Many agents have the same abilities, so the scarcity of each set is looked up once.
        rows = [AgentRow(*row) for row in agents]
        rare = {able: _select_scarcity(able, scarcity) for able in {row.abilities for row in rows}}
        free = [_build_agent(row, scarcity=rare[row.abilities]) for row in rows]
        return cls([_build_ticket(TicketRow(*row)) for row in tickets], free, raw)


def read(
    *, policy: Policy, at: datetime, shard: Shard, scarcity: Mapping[str, int] | None = None
) -> WaveSnapshot:
    """Lock the next tickets of each lane that a free agent can serve, and read those agents.

    Call in a transaction.
    """
    given: dict[str, Any] = {
        "at": at,
        "today": at.date(),
        "heard": at - SILENCE,
        "known_since": at - limits.CONTACT_LASTS,
        "batch": limits.BATCH,
        "choice": limits.MAX_CHOICE,
        "least": limits.MIN_CHOICE,
        "choices": limits.MAX_CANDIDATES,
        "lately": at - limits.NOT_NOW_LASTS,
        "head_start": policy.head_start(1),
        "shard": shard.number,
        "shards": shard.of,
    }
    # The pipeline sends it with the transaction's BEGIN and so saves a round trip.
    with connection.connection.pipeline(), connection.cursor() as cursor:
        cursor.execute(snapshot_query.SNAPSHOT_SQL, given)
        tickets, agents = cursor.fetchone()
    if not tickets or not agents:
        return WaveSnapshot([], [])
    scarcity_json = orjson.dumps(scarcity or {}).decode()
    return WaveSnapshot.from_json(f"[{tickets},{agents},{scarcity_json}]".encode())


def _build_ticket(row: TicketRow) -> SnapshotTicket:
    past = [PastOfferRow(*one) for one in row.past_offers or ()]
    met = [AffinityRow(*one) for one in row.affinities or ()]
    refusals = _group_past_offers(past)
    known = frozenset(UUID(one.agent_id) for one in met if not one.blocked)
    need = WaitingTicket(
        id=UUID(row.id),
        queued_at=datetime.fromisoformat(row.queued_at),
        due_at=datetime.fromisoformat(row.due_at),
        urgency=row.urgency,
        **_parse_lane(row.lane),
        **refusals,
        blocked=frozenset(UUID(one.agent_id) for one in met if one.blocked),
        # A known agent who cannot be offered this ticket must not make others pay the
        # no-prior-contact cost.
        known_by=known - refusals["offered_to"] - refusals["declined_by"],
    )
    ticket = Ticket(
        id=need.id,
        client=_build_client(row.client_id, row.client_slug, row.client_name),
        language=need.language,
        topic=row.topic,
        skills=dict(row.skills),
        urgency=row.urgency,
        queued_at=need.queued_at,
        due_at=need.due_at,
    )
    pending = {one.slot for one in past if one.status in PENDING}
    return SnapshotTicket(need, ticket, frozenset(pending))


@lru_cache(maxsize=1000)
def _build_client(pk: str, slug: str, name: str) -> Client:
    return Client(id=UUID(pk), slug=slug, name=name)


@lru_cache(maxsize=100)
def _build_user(language: str) -> User:
    return User(language=language)


def _parse_lane(lane: str) -> dict[str, Any]:
    language, *needs = lane.split(" ")
    skills = dict(need.split(":") for need in needs if ":" in need)
    return {
        "language": language.split("/")[0],
        "skills": {code: int(level) for code, level in skills.items()},
        "certificate": next((need[1:] for need in needs if need.startswith("+")), ""),
    }


def _group_past_offers(past: Sequence[PastOfferRow]) -> dict[str, Any]:
    """Group agents by past offer: pending, declined for good, or to be offered again at the end."""
    pending = {one.agent_id for one in past if one.status in PENDING}
    declined = {one.agent_id for one in past if one.status == "declined" and not one.may_reoffer}
    others = {one.agent_id for one in past} - pending - declined
    groups = {"offered_to": pending, "declined_by": declined, "timed_out_by": others}
    return {name: frozenset(map(UUID, group)) for name, group in groups.items()}


def _build_agent(row: AgentRow, *, scarcity: Mapping[str, int]) -> SnapshotAgent:
    known = parse_abilities(row.abilities)
    able = FreeAgent(
        id=UUID(row.id),
        languages=known.languages,
        skills=known.skills,
        certificates=known.certificates,
        idle_since=datetime.fromisoformat(row.idle_since),
        room=row.room,
        worked_today=row.worked_today,
        reviews=row.reviews,
        good_reviews=row.good_reviews,
        scarcity=scarcity,
    )
    return SnapshotAgent(able, row.language)


def _select_scarcity(abilities: str, scarcity: Mapping[str, int]) -> dict[str, int]:
    """Return the scarcity of the capabilities that these abilities include."""
    return {name: scarcity[name] for name in list_capabilities(abilities) if name in scarcity}


class Abilities(NamedTuple):
    """The parsed form of `Presence.abilities`."""

    languages: Mapping[str, int]
    skills: Mapping[str, int]
    certificates: frozenset[str]


@lru_cache(maxsize=50_000)
def parse_abilities(abilities: str) -> Abilities:
    """Parse abilities separated by spaces. They are sorted, so the highest level comes last."""
    able = abilities.split(" ")
    languages = dict(word.split("/") for word in able if "/" in word)
    skills = dict(word.split(":") for word in able if ":" in word)
    return Abilities(
        {code: int(level) for code, level in languages.items()},
        {code: int(level) for code, level in skills.items()},
        frozenset(word[1:] for word in able if word.startswith("+")),
    )


@lru_cache(maxsize=50_000)
def list_capabilities(abilities: str) -> tuple[str, ...]:
    """Return the capabilities that an agent with these abilities has; see `policy.capabilities`."""
    able = parse_abilities(abilities)
    return tuple(rules.capabilities(able.languages, able.skills))
