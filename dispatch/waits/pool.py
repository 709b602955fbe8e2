"""The seats of those on line and the line of those who wait, as rows have them now.

Four queries for who is here, what they are in, who waits and what the rate cards expect; two more,
once a minute, for what the last week teaches.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from math import ceil
from typing import Any, NamedTuple

from django.core.cache import cache
from django.db import connection, transaction

from agents.models.presence import SILENCE
from dispatch import policies, sql
from dispatch.models import OFFER_LASTS
from dispatch.rules import wait_simulation
from dispatch.rules.policy import Policy
from dispatch.rules.wait_simulation import DurationDistribution, Floats, QueueEntry, Seat
from tickets.models import Ticket
from tickets.models.tickets import build_lane

LEARNED_FOR = 60
RECENT = timedelta(days=7)
#: Fewer conversations than this tell nothing yet, and the rate card's estimate stands. A whole
#: distribution needs more of them than the one median of a price (`handle_time.ENOUGH`).
ENOUGH = 20
#: No more of those who wait are read; whoever is behind them is told no time.
MAX_QUEUE = 1000
#: What a conversation of a client without a rate card is taken for.
MINUTES = 8
STEPS = [step / 20 for step in range(21)]

AGENTS_SQL = sql.read(__package__, "agents_on_line")
TALKS_SQL = sql.read(__package__, "unfinished_talks")
LINE_SQL = sql.read(__package__, "waiting_line")
MINUTES_SQL = sql.read(__package__, "expected_minutes")
DURATIONS_SQL = sql.read(__package__, "duration_quantiles")
ANSWERS_SQL = sql.read(__package__, "recent_answers")

Kind = tuple[str | None, str | None]


class AgentGroup(NamedTuple):
    """Some of those on line: what each can do and has room for, in conversations; how many."""

    abilities: frozenset[str]
    room: int
    size: int


class QueuedTicket(NamedTuple):
    """Somebody who waits: what decides when it is their turn, and what they will take."""

    turn_at: datetime
    lane: str
    turn: QueueEntry


@dataclass(frozen=True)
class PoolHistory:
    """What the last week teaches: how long talks take, and how long until somebody says yes."""

    handled: Mapping[Kind, DurationDistribution]
    wrap_up: DurationDistribution | None
    until_yes: Floats


@dataclass(frozen=True)
class PoolSnapshot:
    """Who is here, what they are in, and who waits, as it was when it was read."""

    agents: list[AgentGroup]
    seats: list[Seat]
    queue: list[QueuedTicket]
    history: PoolHistory
    #: What the card in force of each client expects.
    minutes: Mapping[str, int]
    policy: Policy

    def turn_at(self, ticket: Ticket) -> datetime:
        """What decides when it is this ticket's turn: the earlier the sooner."""
        return ticket.due_at - self.policy.head_start(ticket.urgency)

    def lowered(self, ticket: Ticket, *, at: datetime) -> Iterator[tuple[int, str]]:
        """In how many seconds less is asked for, and the lane the ticket is in then."""
        waited, last = at - ticket.queued_at, ticket.lane
        waits = self.policy.lowering_waits(ticket.client.answer_within)
        for step, after in enumerate(waits, start=1):
            needs = self.policy.lower_skills(ticket.skills, step, gives_way=ticket.gives_way)
            then = build_lane(ticket.language, needs, ticket.client.certificate)
            if step > ticket.times_lowered and then != last:
                yield max(ceil((after - waited).total_seconds()), 0), then
                last = then

    def duration_for(self, client: str, topic: str) -> DurationDistribution:
        """Of a client's talks about a topic: the narrowest there is enough of."""
        return duration_for(self.history, self.minutes, client, topic)


@lru_cache(maxsize=4096)
def parse_needs(lane: str) -> frozenset[str]:
    """What an agent must be able to do, or is: words as `agents_presence.abilities` has them."""
    return frozenset(lane.split())


def duration_for(
    learned: PoolHistory, minutes: Mapping[str, int], client: str, topic: str
) -> DurationDistribution:
    """The narrowest there is enough of; else spread about what the rate card expects."""
    for kind in ((client, topic), (client, None)):
        if found := learned.handled.get(kind):
            return found
    return DurationDistribution.lognormal(minutes.get(client, MINUTES))


def read(*, at: datetime) -> PoolSnapshot:
    # A savepoint, so that a query that fails costs the estimate and not the escalation around it.
    with transaction.atomic():
        learned = _history(at=at)
        people = _rows(AGENTS_SQL, heard=at - SILENCE)
        work = _rows(TALKS_SQL, at=at)
        policy = policies.read_in_force(at=at)
        line = _rows(LINE_SQL, at=at, most=MAX_QUEUE, head_start=policy.head_start(1))
        minutes = dict(_rows(MINUTES_SQL, at=at))
    return PoolSnapshot(
        agents=[
            AgentGroup(parse_needs(able), room - load, many) for _, able, room, load, many in people
        ],
        seats=list(_seats(people, work, learned, minutes)),
        queue=[_in_line(learned, minutes, *row) for row in line],
        history=learned,
        minutes=minutes,
        policy=policy,
    )


def _seats(
    people: Iterable[tuple[Any, ...]],
    work: Iterable[tuple[Any, ...]],
    learned: PoolHistory,
    minutes: Mapping[str, int],
) -> Iterable[Seat]:
    """Every place for a conversation, of the free ones as many of a kind as can ever matter. An
    offer that is out is taken for a conversation: most often it becomes one."""
    usual = learned.handled.get((None, None)) or DurationDistribution.lognormal(MINUTES)
    busy = defaultdict(list)
    for agent, client, topic, *times in work:
        busy[agent].append(_busy(learned, duration_for(learned, minutes, client, topic), *times))
    free: Counter[str] = Counter()
    for agent, abilities, capacity, load, many in people:
        held = busy[agent][:capacity] if agent else []
        held += [Seat(duration=usual)] * (load - len(held))
        yield from (seat._replace(abilities=parse_needs(abilities)) for seat in held)
        free[abilities] += max(capacity - load, 0) * many
    for abilities, many in free.items():
        yield from [Seat(parse_needs(abilities))] * min(many, wait_simulation.MAX_SEATS)


def _busy(
    learned: PoolHistory,
    usual: DurationDistribution,
    talked: float,
    wrapped_up: float | None,
    wrap_up_left: float | None,
) -> Seat:
    """A conversation, or its wrap-up, which ends at the latest when its time is up."""
    if wrapped_up is None:
        return Seat(duration=usual, elapsed=talked)
    left = max(wrap_up_left or 0.0, 0.0)
    known = learned.wrap_up or DurationDistribution((0.0, wrapped_up + left))
    return Seat(duration=known, elapsed=wrapped_up, most=left)


def _in_line(
    learned: PoolHistory,
    minutes: Mapping[str, int],
    turn_at: datetime,
    lane: str,
    client: str,
    topic: str,
) -> QueuedTicket:
    turn = QueueEntry(parse_needs(lane), duration_for(learned, minutes, client, topic))
    return QueuedTicket(turn_at, lane, turn)


def _history(*, at: datetime) -> PoolHistory:
    known: PoolHistory | None = cache.get("waits_learned")
    if known is None:
        known = _read_history(at=at)
        cache.set("waits_learned", known, timeout=LEARNED_FOR)
    return known


def _read_history(*, at: datetime) -> PoolHistory:
    handled = _rows(DURATIONS_SQL, since=at - RECENT, steps=STEPS, enough=ENOUGH)
    answered = _rows(ANSWERS_SQL, since=at - RECENT)
    wrap_ups = {(client, topic): tuple(wrap_up) for client, topic, _, wrap_up in handled}
    together = wrap_ups.get((None, None))
    return PoolHistory(
        handled={
            (client, topic): DurationDistribution(tuple(took)) for client, topic, took, _ in handled
        },
        wrap_up=DurationDistribution(together) if together else None,
        until_yes=wait_simulation.sample_time_to_accept(
            [(taken, took) for taken, took in answered], lasts=OFFER_LASTS.total_seconds()
        ),
    )


def _rows(query: str, **given: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, given)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows
