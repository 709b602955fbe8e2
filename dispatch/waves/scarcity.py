"""How likely it is that whoever can do something is needed for it soon, as tickets and places tell.

Counted anew in each process: what is asked for every ten seconds, who is free every two, beside the
waves and not before one. A wave keeps what it was told with its decision.
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
#: Who is free is counted again after so long.
FRESH = timedelta(seconds=2)
#: What is older than this many seconds, after a lull, is no use to a wave.
LONGEST = 5
#: For so many seconds it is taken for the same what is usually asked for.
USUALLY = 10
#: So many tickets, the newest, tell what is asked for, and the lately come how many come.
TICKETS = 2_000

DEMAND_SQL = sql.read(__package__, "recent_demand")
ROOM_SQL = sql.read(__package__, "free_room")


class ScarcityCount(NamedTuple):
    """What was found, and when."""

    scarcity: Mapping[str, int]
    at: datetime


class RecentDemand(NamedTuple):
    """Tickets that asked for the same at first: how many, how many lately, since when."""

    language: str
    skills: list[str]
    many: int
    lately: int
    oldest: datetime


class DemandShares(NamedTuple):
    """Of all who ask, the share that asks for each thing; and how many ask in a second."""

    shares: Mapping[str, float]
    rate: float


def current(*, at: datetime) -> Mapping[str, int]:
    """By each thing that is asked for, in thousandths; nothing of what is not rare at all."""
    told: ScarcityCount | None = cache.get(KEY)
    if told is None:
        return count(at=at)
    if at > told.at + FRESH:
        COUNTING.request(at=at)
        told = cache.get(KEY, told)
    return told.scarcity


def count(*, at: datetime) -> Mapping[str, int]:
    """The same, counted at this moment."""
    usual, places = _demand(at=at), _count_room()
    told = {
        thing: rules.scarcity(rules.expected_arrivals(share, usual.rate), places[thing])
        for thing, share in usual.shares.items()
    }
    scarcity = {thing: thousandths for thing, thousandths in told.items() if thousandths}
    cache.set(KEY, ScarcityCount(scarcity, at), timeout=LONGEST)
    return scarcity


#: No customer waits for the counting.
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
    """How long the lately come took to come: less where the newest are all of them."""
    span = LOOK_BACK
    if sum(one.many for one in asked) >= TICKETS:
        span = min(span, at - min(one.oldest for one in asked))
    return max(span.total_seconds(), 1)


def _count_room() -> Counter[str]:
    """How many more could be helped with each thing at this moment."""
    with connection.cursor() as cursor:
        cursor.execute(ROOM_SQL)
        rows: list[tuple[str, int]] = cursor.fetchall()
    places: Counter[str] = Counter()
    for abilities, room in rows:
        for thing in snapshot.capabilities(abilities):
            places[thing] += room
    return places
