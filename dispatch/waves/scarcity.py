"""Estimates the probability that an agent's capability is needed soon by another ticket.

Each process counts demand every ten seconds and free capacity every two, outside the waves. A wave
stores the scarcity it used with its decision.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import starmap
from typing import NamedTuple

from django.core.cache import cache
from django.db import connection

from dispatch import sql
from dispatch.realtime.refresh import BackgroundRefresh
from dispatch.rules import policy as rules
from dispatch.rules.policy import LOOK_BACK
from dispatch.waves import snapshot

KEY, USUAL = "scarcity", "scarcity:usual"
#: Free capacity is counted again after this time.
FRESH = timedelta(seconds=2)
#: Seconds. After a lull, an older count is of no use to a wave.
LONGEST = 5
#: Seconds for which the counted demand is cached.
USUALLY = 10
#: Demand is read from this many of the newest tickets; the arrival rate from the recent ones.
TICKETS = 2_000

DEMAND_SQL = sql.read(__package__, "recent_demand")
ROOM_SQL = sql.read(__package__, "free_room")


class ScarcityCount(NamedTuple):
    """The scarcity by capability, and the time of the count."""

    scarcity: Mapping[str, int]
    at: datetime


class RecentDemand(NamedTuple):
    """Tickets with the same first requirements: how many, how many recent ones, the oldest."""

    language: str
    skills: list[str]
    many: int
    lately: int
    oldest: datetime


class DemandShares(NamedTuple):
    """The share of tickets that requires each capability, and the tickets per second."""

    shares: Mapping[str, float]
    rate: float


def get_current(*, at: datetime) -> Mapping[str, int]:
    """Return the scarcity by capability in thousandths; without those that are not scarce."""
    known: ScarcityCount | None = cache.get(KEY)
    if known is None:
        return count(at=at)
    if at > known.at + FRESH:
        COUNTING.request(at=at)
        known = cache.get(KEY, known)
    return known.scarcity


def count(*, at: datetime) -> Mapping[str, int]:
    """Count the scarcity at this moment and cache it."""
    usual, room = _get_demand(at=at), _count_room()
    counted = {
        capability: rules.scarcity(rules.expected_arrivals(share, usual.rate), room[capability])
        for capability, share in usual.shares.items()
    }
    scarcity = {name: thousandths for name, thousandths in counted.items() if thousandths}
    cache.set(KEY, ScarcityCount(scarcity, at), timeout=LONGEST)
    return scarcity


#: Counts in the background, so that no customer waits for it.
COUNTING = BackgroundRefresh("scarcity", lambda at: count(at=at))


def _get_demand(*, at: datetime) -> DemandShares:
    known: DemandShares | None = cache.get(USUAL)
    if known is None:
        with connection.cursor() as cursor:
            cursor.execute(DEMAND_SQL, {"tickets": TICKETS, "since": at - LOOK_BACK})
            demand: list[RecentDemand] = list(starmap(RecentDemand, cursor.fetchall()))
        came = sum(one.lately for one in demand)
        shares = rules.demand_shares(
            (rules.required_capabilities(*one[:2]), one.many) for one in demand
        )
        known = DemandShares(shares, came / _measure_span(demand, at=at))
        cache.set(USUAL, known, timeout=USUALLY)
    return known


def _measure_span(demand: list[RecentDemand], *, at: datetime) -> float:
    """Return the seconds in which the recent tickets arrived; shorter if they fill the limit."""
    span = LOOK_BACK
    if sum(one.many for one in demand) >= TICKETS:
        span = min(span, at - min(one.oldest for one in demand))
    return max(span.total_seconds(), 1)


def _count_room() -> Counter[str]:
    """Count how many more conversations each capability could take now."""
    with connection.cursor() as cursor:
        cursor.execute(ROOM_SQL)
        rows: list[tuple[str, int]] = cursor.fetchall()
    room: Counter[str] = Counter()
    for abilities, capacity in rows:
        for capability in snapshot.list_capabilities(abilities):
            room[capability] += capacity
    return room
