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


def current(*, at: datetime) -> Mapping[str, int]:
    """Return the scarcity by capability in thousandths; without those that are not scarce."""
    told: ScarcityCount | None = cache.get(KEY)
    if told is None:
        return count(at=at)
    if at > told.at + FRESH:
        COUNTING.request(at=at)
        told = cache.get(KEY, told)
    return told.scarcity


def count(*, at: datetime) -> Mapping[str, int]:
    """Count the scarcity at this moment and cache it."""
    usual, places = _demand(at=at), _count_room()
    told = {
        thing: rules.scarcity(rules.expected_arrivals(share, usual.rate), places[thing])
        for thing, share in usual.shares.items()
    }
    scarcity = {thing: thousandths for thing, thousandths in told.items() if thousandths}
    cache.set(KEY, ScarcityCount(scarcity, at), timeout=LONGEST)
    return scarcity


#: Counts in the background, so that no customer waits for it.
COUNTING = BackgroundRefresh("scarcity", lambda at: count(at=at))


def _demand(*, at: datetime) -> DemandShares:
    known: DemandShares | None = cache.get(USUAL)
    if known is None:
        with connection.cursor() as cursor:
            cursor.execute(DEMAND_SQL, {"tickets": TICKETS, "since": at - LOOK_BACK})
            asked: list[RecentDemand] = list(starmap(RecentDemand, cursor.fetchall()))
        came = sum(one.lately for one in asked)
        shares = rules.demand_shares(
            (rules.required_capabilities(*one[:2]), one.many) for one in asked
        )
        known = DemandShares(shares, came / _seconds(asked, at=at))
        cache.set(USUAL, known, timeout=USUALLY)
    return known


def _seconds(asked: list[RecentDemand], *, at: datetime) -> float:
    """Return the seconds in which the recent tickets arrived; shorter if they fill the limit."""
    span = LOOK_BACK
    if sum(one.many for one in asked) >= TICKETS:
        span = min(span, at - min(one.oldest for one in asked))
    return max(span.total_seconds(), 1)


def _count_room() -> Counter[str]:
    """Count how many more conversations each capability could take now."""
    with connection.cursor() as cursor:
        cursor.execute(ROOM_SQL)
        rows: list[tuple[str, int]] = cursor.fetchall()
    places: Counter[str] = Counter()
    for abilities, room in rows:
        for thing in snapshot.capabilities(abilities):
            places[thing] += room
    return places
