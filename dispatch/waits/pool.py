"""Reads the current pool (agents, their open conversations, the queue) for the wait estimate.

Four queries read agents, conversations, queue and rate cards. Two more, once a minute, read the
history of the last week.
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
#: With fewer conversations than this the rate card's estimate stands. A distribution needs more of
#: them than the one median of a price (`handle_time.ENOUGH`).
ENOUGH = 20
#: The queue is read up to this length; a ticket behind it gets no estimate.
MAX_QUEUE = 1000
#: The assumed length of a conversation, in minutes, of a client without a rate card.
MINUTES = 8
STEPS = [step / 20 for step in range(21)]

AGENTS_SQL = sql.read(__package__, "agents_on_line")
TALKS_SQL = sql.read(__package__, "unfinished_talks")
QUEUE_SQL = sql.read(__package__, "waiting_line")
MINUTES_SQL = sql.read(__package__, "expected_minutes")
DURATIONS_SQL = sql.read(__package__, "duration_quantiles")
ANSWERS_SQL = sql.read(__package__, "recent_answers")

Kind = tuple[str | None, str | None]


class AgentGroup(NamedTuple):
    """Agents on line with the same abilities and free capacity (in conversations)."""

    abilities: frozenset[str]
    room: int
    size: int


class QueuedTicket(NamedTuple):
    """A queued ticket: its turn and its requirements."""

    turn_at: datetime
    lane: str
    turn: QueueEntry


@dataclass(frozen=True)
class PoolHistory:
    """The last week: how long conversations take, and how long until an offer is accepted."""

    handled: Mapping[Kind, DurationDistribution]
    wrap_up: DurationDistribution | None
    until_yes: Floats


@dataclass(frozen=True)
class PoolSnapshot:
    """The agents, their conversations and the queue at one moment."""

    agents: list[AgentGroup]
    seats: list[Seat]
    queue: list[QueuedTicket]
    history: PoolHistory
    #: The expected minutes of each client's rate card in force.
    minutes: Mapping[str, int]
    policy: Policy

    def turn_at(self, ticket: Ticket) -> datetime:
        """Return the sort key of the ticket's turn; the earliest is served first."""
        return ticket.due_at - self.policy.head_start(ticket.urgency)

    def find_lower_lanes(self, ticket: Ticket, *, at: datetime) -> Iterator[tuple[int, str]]:
        """Yield in how many seconds requirements drop, and the ticket's lane then."""
        waited, last = at - ticket.queued_at, ticket.lane
        waits = self.policy.lowering_waits(ticket.client.answer_within)
        for step, after in enumerate(waits, start=1):
            needs = self.policy.lower_skills(ticket.skills, step, gives_way=ticket.gives_way)
            then = build_lane(ticket.language, needs, ticket.client.certificate)
            if step > ticket.times_lowered and then != last:
                yield max(ceil((after - waited).total_seconds()), 0), then
                last = then

    def get_duration(self, client: str, topic: str) -> DurationDistribution:
        """Return the durations of this client and topic."""
        return get_duration(self.history, self.minutes, client, topic)


@lru_cache(maxsize=4096)
def parse_needs(lane: str) -> frozenset[str]:
    """Return the abilities a lane requires, as `agents_presence.abilities` writes them."""
    return frozenset(lane.split())


def get_duration(
    history: PoolHistory, minutes: Mapping[str, int], client: str, topic: str
) -> DurationDistribution:
    """Return the narrowest distribution with enough data, else the rate card's."""
    for kind in ((client, topic), (client, None)):
        if found := history.handled.get(kind):
            return found
    return DurationDistribution.lognormal(minutes.get(client, MINUTES))


def read(*, at: datetime) -> PoolSnapshot:
    # A savepoint: a failed query then costs the estimate only and not the escalation around it.
    with transaction.atomic():
        history = _get_history(at=at)
        agents = _fetch_rows(AGENTS_SQL, heard=at - SILENCE)
        work = _fetch_rows(TALKS_SQL, at=at)
        policy = policies.read_in_force(at=at)
        queue = _fetch_rows(QUEUE_SQL, at=at, most=MAX_QUEUE, head_start=policy.head_start(1))
        minutes = dict(_fetch_rows(MINUTES_SQL, at=at))
    return PoolSnapshot(
        agents=[
            AgentGroup(parse_needs(able), room - load, count)
            for _, able, room, load, count in agents
        ],
        seats=list(_build_seats(agents, work, history, minutes)),
        queue=[_build_entry(history, minutes, *row) for row in queue],
        history=history,
        minutes=minutes,
        policy=policy,
    )


def _build_seats(
    agents: Iterable[tuple[Any, ...]],
    work: Iterable[tuple[Any, ...]],
    history: PoolHistory,
    minutes: Mapping[str, int],
) -> Iterable[Seat]:
    """Yield a seat for each conversation an agent can hold, free or busy.

    Free seats of one kind are limited to the number that can matter. A pending offer counts as a
    conversation, because it usually becomes one.
    """
    usual = history.handled.get((None, None)) or DurationDistribution.lognormal(MINUTES)
    busy = defaultdict(list)
    for agent, client, topic, *times in work:
        busy[agent].append(
            _build_busy_seat(history, get_duration(history, minutes, client, topic), *times)
        )
    free: Counter[str] = Counter()
    for agent, abilities, capacity, load, count in agents:
        held = busy[agent][:capacity] if agent else []
        held += [Seat(duration=usual)] * (load - len(held))
        yield from (seat._replace(abilities=parse_needs(abilities)) for seat in held)
        free[abilities] += max(capacity - load, 0) * count
    for abilities, count in free.items():
        yield from [Seat(parse_needs(abilities))] * min(count, wait_simulation.MAX_SEATS)


def _build_busy_seat(
    history: PoolHistory,
    usual: DurationDistribution,
    talked: float,
    wrapped_up: float | None,
    wrap_up_left: float | None,
) -> Seat:
    """Return the seat of a conversation, or of a wrap-up, which ends at the latest when due."""
    if wrapped_up is None:
        return Seat(duration=usual, elapsed=talked)
    left = max(wrap_up_left or 0.0, 0.0)
    known = history.wrap_up or DurationDistribution((0.0, wrapped_up + left))
    return Seat(duration=known, elapsed=wrapped_up, most=left)


def _build_entry(
    history: PoolHistory,
    minutes: Mapping[str, int],
    turn_at: datetime,
    lane: str,
    client: str,
    topic: str,
) -> QueuedTicket:
    turn = QueueEntry(parse_needs(lane), get_duration(history, minutes, client, topic))
    return QueuedTicket(turn_at, lane, turn)


def _get_history(*, at: datetime) -> PoolHistory:
    known: PoolHistory | None = cache.get("pool_history")
    if known is None:
        known = _read_history(at=at)
        cache.set("pool_history", known, timeout=LEARNED_FOR)
    return known


def _read_history(*, at: datetime) -> PoolHistory:
    handled = _fetch_rows(DURATIONS_SQL, since=at - RECENT, steps=STEPS, enough=ENOUGH)
    answered = _fetch_rows(ANSWERS_SQL, since=at - RECENT)
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


def _fetch_rows(query: str, **given: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, given)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows
