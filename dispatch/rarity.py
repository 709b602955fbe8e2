"""How likely it is that whoever can do something is needed for it soon, as tickets and places tell.

Counted anew in each process: what is asked for every ten seconds, who is free every two.
A wave keeps what it was told with its decision.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

from django.core.cache import cache
from django.db import connection

from dispatch import glance
from dispatch import policy as rules
from dispatch.policy import SOON

KEY, USUAL = "rarity", "rarity:usual"
#: For so many seconds it is taken for the same: who is free, and what is usually asked for.
REMEMBERED, USUALLY = 2, 10
#: So many tickets, the newest, tell what is asked for; those of this time, how many come.
TICKETS = 2_000
LATELY = timedelta(minutes=15)

ASKED = """
SELECT lane, count(*), count(*) FILTER (WHERE queued_at > %(since)s), min(queued_at) FROM (
    SELECT lane, queued_at FROM tickets_ticket ORDER BY id DESC LIMIT %(tickets)s
) newest GROUP BY lane
"""
PLACES = """
SELECT array_to_string(abilities, ' '), sum(capacity - load) FROM agents_presence
WHERE status = 'available' AND load < capacity GROUP BY abilities
"""


class Usual(NamedTuple):
    """Of all who ask, the share that asks for each thing; and how many ask in a second."""

    shares: Mapping[str, float]
    rate: float


def now(*, at: datetime) -> Mapping[str, int]:
    """By each thing that is asked for, in thousandths; nothing of what is not rare at all."""
    known: dict[str, int] | None = cache.get(KEY)
    if known is None:
        usual, places = _usual(at=at), _places()
        within = usual.rate * SOON.total_seconds()
        told = {
            thing: rules.rarity(share * within, places[thing])
            for thing, share in usual.shares.items()
        }
        known = {thing: thousandths for thing, thousandths in told.items() if thousandths}
        cache.set(KEY, known, timeout=REMEMBERED)
    return known


def _usual(*, at: datetime) -> Usual:
    known: Usual | None = cache.get(USUAL)
    if known is None:
        with connection.cursor() as cursor:
            cursor.execute(ASKED, {"tickets": TICKETS, "since": at - LATELY})
            lanes: list[tuple[str, int, int, datetime]] = cursor.fetchall()
        came = sum(lately for _, _, lately, _ in lanes)
        shares = rules.shares((_asked_for(lane), many) for lane, many, _, _ in lanes)
        known = Usual(shares, came / _seconds(lanes, at=at))
        cache.set(USUAL, known, timeout=USUALLY)
    return known


def _seconds(lanes: list[tuple[str, int, int, datetime]], *, at: datetime) -> float:
    """How long the lately come took to come: less where the newest are all of them."""
    span = LATELY
    if sum(many for _, many, _, _ in lanes) >= TICKETS:
        span = min(span, at - min(oldest for _, _, _, oldest in lanes))
    return max(span.total_seconds(), 1)


def _places() -> Counter[str]:
    """How many more could be helped with each thing at this moment."""
    with connection.cursor() as cursor:
        cursor.execute(PLACES)
        rows: list[tuple[str, int]] = cursor.fetchall()
    places: Counter[str] = Counter()
    for abilities, room in rows:
        for thing in glance.things(abilities):
            places[thing] += room
    return places


@lru_cache(maxsize=10_000)
def _asked_for(lane: str) -> tuple[str, ...]:
    able = glance.can(lane)
    return tuple(thing for one in able.languages for thing in rules.asked_for(one, able.skills))
