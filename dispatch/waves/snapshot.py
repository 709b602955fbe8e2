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
from tickets.models import Client, Ticket


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
        return Agent(id=self.able.id, user=_reader(self.language))


@dataclass(frozen=True)
class Glance:
    """Those who wait and those who are free, and the words they were read from."""

    waiting: Sequence[Waiting]
    free: Sequence[Free]
    words: bytes = b""

    @classmethod
    def of(cls, words: bytes) -> Self:
        tickets, agents, *also = orjson.loads(words)
        # Decisions of before it counted keep no rarity.
        rarity = also[0] if also else {}
        # Many can do the same, and then it is worked out once.
        rare = {able: _rare(able, rarity) for able in {row[1] for row in agents}}
        free = [_free(*row, rarity=rare[row[1]]) for row in agents]
        return cls([_waiting(*row) for row in tickets], free, words)


def take(
    *, policy: Policy, at: datetime, shard: Shard, rarity: Mapping[str, int] | None = None
) -> Glance:
    """The next to be served in each lane somebody free can serve, locked, and who could.

    Call in a transaction.
    """
    given: dict[str, Any] = {
        "at": at,
        "today": at.date(),
        "heard": at - SILENCE,
        "known_since": at - limits.KNOWS_FOR,
        "batch": limits.BATCH,
        "choice": limits.CHOICE,
        "least": limits.LEAST_CHOICE,
        "choices": limits.ALL_CHOICES,
        "lately": at - limits.NOT_NOW,
        "head_start": policy.head_start(1),
        "shard": shard.number,
        "shards": shard.of,
    }
    # Together with the transaction's BEGIN, which would be a way there and back of its own.
    with connection.connection.pipeline(), connection.cursor() as cursor:
        cursor.execute(snapshot_query.ONE_LINE, given)
        tickets, agents = cursor.fetchone()
    if not tickets or not agents:
        return Glance([], [])
    told = orjson.dumps(rarity or {}).decode()
    return Glance.of(f"[{tickets},{agents},{told}]".encode())


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
    asked_first: Mapping[str, int] | None = None,
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
        client=_client(client, slug, name),
        language=need.language,
        topic=topic,
        # Decisions of before keep only what was still asked for.
        skills=dict(need.skills if asked_first is None else asked_first),
        urgency=urgency,
        queued_at=need.queued_at,
        due_at=need.due_at,
    )
    pending = {place for _, status, _, place in offered or [] if status in ("sent", "shown")}
    return Waiting(need, ticket, frozenset(pending))


@lru_cache(maxsize=1000)
def _client(pk: str, slug: str, name: str) -> Client:
    return Client(id=UUID(pk), slug=slug, name=name)


@lru_cache(maxsize=100)
def _reader(language: str) -> User:
    return User(language=language)


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
    *,
    rarity: Mapping[str, int],
) -> Free:
    known = can(abilities)
    able = FreeAgent(
        id=UUID(pk),
        languages=known.languages,
        skills=known.skills,
        certificates=known.certificates,
        idle_since=datetime.fromisoformat(idle_since),
        room=room,
        worked_today=worked_today,
        reviews=reviews,
        good_reviews=good_reviews,
        rarity=rarity,
    )
    return Free(able, language)


def _rare(abilities: str, rarity: Mapping[str, int]) -> dict[str, int]:
    """Of all that is rare, what somebody with these abilities can do."""
    known = can(abilities)
    # Decisions of before name languages and skills singly.
    able = {*things(abilities), *known.languages, *known.skills}
    return {thing: rarity[thing] for thing in able & rarity.keys()}


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


@lru_cache(maxsize=50_000)
def things(words: str) -> tuple[str, ...]:
    """What somebody with these abilities may be asked for; see `policy.things`."""
    able = can(words)
    return tuple(rules.things(able.languages, able.skills))
