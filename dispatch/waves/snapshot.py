"""A glance: what one wave sees, read by one statement and kept as it was read.

The tickets are locked by reading them. What the database sends is JSON, and that JSON itself is
what a decision keeps, so that running the decision again starts from the very same words.
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

#: As `Offer.PENDING`, in the words of a row.
PENDING = ("sent", "shown")


class Shard(NamedTuple):
    """Which part of the languages a matcher serves: one of so many."""

    number: int = 0
    of: int = 1


class SnapshotTicket(NamedTuple):
    """A ticket as matching sees it, and as its offer is written: which places are taken."""

    ticket_input: WaitingTicket
    ticket: Ticket
    taken_slots: frozenset[int]

    @property
    def lowered(self) -> dict[str, tuple[int, int]]:
        """The level first asked for and the level asked for now, of each skill asked for at less.

        Now 0: the skill is not asked for any more.
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
        return Agent(id=self.agent_input.id, user=_reader(self.language))


@dataclass(frozen=True)
class WaveSnapshot:
    """Those who wait and those who are free, and the words they were read from."""

    waiting: Sequence[SnapshotTicket]
    free: Sequence[SnapshotAgent]
    raw: bytes = b""

    @classmethod
    def from_json(cls, words: bytes) -> Self:
        tickets, agents, scarcity = orjson.loads(words)
        # Many can do the same, and then it is worked out once.
        rows = [AgentRow(*row) for row in agents]
        rare = {able: _scarcity_of(able, scarcity) for able in {row.abilities for row in rows}}
        free = [_free(row, scarcity=rare[row.abilities]) for row in rows]
        return cls([_waiting(TicketRow(*row)) for row in tickets], free, words)


def read(
    *, policy: Policy, at: datetime, shard: Shard, scarcity: Mapping[str, int] | None = None
) -> WaveSnapshot:
    """The next to be served in each lane somebody free can serve, locked, and who could.

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
    # Together with the transaction's BEGIN, which would be a way there and back of its own.
    with connection.connection.pipeline(), connection.cursor() as cursor:
        cursor.execute(snapshot_query.SNAPSHOT_SQL, given)
        tickets, agents = cursor.fetchone()
    if not tickets or not agents:
        return WaveSnapshot([], [])
    told = orjson.dumps(scarcity or {}).decode()
    return WaveSnapshot.from_json(f"[{tickets},{agents},{told}]".encode())


def _waiting(row: TicketRow) -> SnapshotTicket:
    past = [PastOfferRow(*one) for one in row.past_offers or ()]
    met = [AffinityRow(*one) for one in row.affinities or ()]
    refusals = _refusals(past)
    known = frozenset(UUID(one.agent_id) for one in met if not one.blocked)
    need = WaitingTicket(
        id=UUID(row.id),
        queued_at=datetime.fromisoformat(row.queued_at),
        due_at=datetime.fromisoformat(row.due_at),
        urgency=row.urgency,
        **_parse_lane(row.lane),
        **refusals,
        blocked=frozenset(UUID(one.agent_id) for one in met if one.blocked),
        # Who is not to be asked keeps no stranger from being as good as any.
        known_by=known - refusals["offered_to"] - refusals["declined_by"],
    )
    ticket = Ticket(
        id=need.id,
        client=_client(row.client_id, row.client_slug, row.client_name),
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
def _client(pk: str, slug: str, name: str) -> Client:
    return Client(id=UUID(pk), slug=slug, name=name)


@lru_cache(maxsize=100)
def _reader(language: str) -> User:
    return User(language=language)


def _parse_lane(lane: str) -> dict[str, Any]:
    language, *needs = lane.split(" ")
    skills = dict(need.split(":") for need in needs if ":" in need)
    return {
        "language": language.split("/")[0],
        "skills": {code: int(level) for code, level in skills.items()},
        "certificate": next((need[1:] for need in needs if need.startswith("+")), ""),
    }


def _refusals(past: Sequence[PastOfferRow]) -> dict[str, Any]:
    """Who has it on the screen, who passed for good, and who may be asked again at the end."""
    asked = {one.agent_id for one in past if one.status in PENDING}
    declined = {one.agent_id for one in past if one.status == "declined" and not one.may_reoffer}
    others = {one.agent_id for one in past} - asked - declined
    groups = {"offered_to": asked, "declined_by": declined, "timed_out_by": others}
    return {name: frozenset(map(UUID, group)) for name, group in groups.items()}


def _free(row: AgentRow, *, scarcity: Mapping[str, int]) -> SnapshotAgent:
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


def _scarcity_of(abilities: str, scarcity: Mapping[str, int]) -> dict[str, int]:
    """Of all that is rare, what somebody with these abilities can do."""
    return {thing: scarcity[thing] for thing in capabilities(abilities) if thing in scarcity}


class Abilities(NamedTuple):
    """What the words of `Presence.abilities` say."""

    languages: Mapping[str, int]
    skills: Mapping[str, int]
    certificates: frozenset[str]


@lru_cache(maxsize=50_000)
def parse_abilities(words: str) -> Abilities:
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


@lru_cache(maxsize=50_000)
def capabilities(words: str) -> tuple[str, ...]:
    """What somebody with these abilities may be asked for; see `policy.things`."""
    able = parse_abilities(words)
    return tuple(rules.capabilities(able.languages, able.skills))
