"""How likely it is that whoever can do something is needed for it soon, as tickets and places tell.

Counted anew in each process: what is asked for every ten seconds, who is free every two, beside the
waves and not before one. A wave keeps what it was told with its decision.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import starmap
from typing import NamedTuple

from django.conf import settings
from django.core.cache import cache
from django.db import DatabaseError, connection

from dispatch.realtime.background import Errand
from dispatch.rules import policy as rules
from dispatch.rules.policy import LATELY
from dispatch.waves import snapshot
from tickets import clock

KEY, USUAL = "rarity", "rarity:usual"
#: Who is free is counted again after so long.
FRESH = timedelta(seconds=2)
#: What is older than this many seconds, after a lull, is no use to a wave.
LONGEST = 5
#: For so many seconds it is taken for the same what is usually asked for.
USUALLY = 10
#: So many tickets, the newest, tell what is asked for, and the lately come how many come.
TICKETS = 2_000

ASKED = """
SELECT language, ARRAY(SELECT jsonb_object_keys(skills)), count(*),
    count(*) FILTER (WHERE queued_at > %(since)s), min(queued_at)
FROM (
    SELECT language, skills, queued_at FROM tickets_ticket ORDER BY id DESC LIMIT %(tickets)s
) newest GROUP BY language, skills
"""
PLACES = """
SELECT array_to_string(abilities, ' '), sum(capacity - load) FROM agents_presence
WHERE status = 'available' AND load < capacity GROUP BY abilities
"""


class Counted(NamedTuple):
    """What was found, and when."""

    rarity: Mapping[str, int]
    at: datetime


class Asked(NamedTuple):
    """Tickets that asked for the same at first: how many, how many lately, since when."""

    language: str
    skills: list[str]
    many: int
    lately: int
    oldest: datetime


class Usual(NamedTuple):
    """Of all who ask, the share that asks for each thing; and how many ask in a second."""

    shares: Mapping[str, float]
    rate: float


def now(*, at: datetime) -> Mapping[str, int]:
    """By each thing that is asked for, in thousandths; nothing of what is not rare at all."""
    told: Counted | None = cache.get(KEY)
    if told is None:
        return count(at=at)
    if at > told.at + FRESH:
        if settings.HINTS_INLINE:
            return count(at=at)
        COUNTING.ask()
    return told.rarity


def count(*, at: datetime) -> Mapping[str, int]:
    """The same, counted at this moment."""
    usual, places = _usual(at=at), _places()
    told = {
        thing: rules.rarity(rules.expected(share, usual.rate), places[thing])
        for thing, share in usual.shares.items()
    }
    rarity = {thing: thousandths for thing, thousandths in told.items() if thousandths}
    cache.set(KEY, Counted(rarity, at), timeout=LONGEST)
    return rarity


def _count_beside() -> None:
    """At a moment of its own, on a line of the thread's own, let go of when it is lost."""
    try:
        count(at=clock.now())
    except DatabaseError:
        connection.close()
        raise


#: No customer waits for the counting.
COUNTING = Errand("rarity", _count_beside)


def _usual(*, at: datetime) -> Usual:
    known: Usual | None = cache.get(USUAL)
    if known is None:
        with connection.cursor() as cursor:
            cursor.execute(ASKED, {"tickets": TICKETS, "since": at - LATELY})
            asked: list[Asked] = list(starmap(Asked, cursor.fetchall()))
        came = sum(one.lately for one in asked)
        shares = rules.shares((rules.asked_for(*one[:2]), one.many) for one in asked)
        known = Usual(shares, came / _seconds(asked, at=at))
        cache.set(USUAL, known, timeout=USUALLY)
    return known


def _seconds(asked: list[Asked], *, at: datetime) -> float:
    """How long the lately come took to come: less where the newest are all of them."""
    span = LATELY
    if sum(one.many for one in asked) >= TICKETS:
        span = min(span, at - min(one.oldest for one in asked))
    return max(span.total_seconds(), 1)


def _places() -> Counter[str]:
    """How many more could be helped with each thing at this moment."""
    with connection.cursor() as cursor:
        cursor.execute(PLACES)
        rows: list[tuple[str, int]] = cursor.fetchall()
    places: Counter[str] = Counter()
    for abilities, room in rows:
        for thing in snapshot.things(abilities):
            places[thing] += room
    return places
