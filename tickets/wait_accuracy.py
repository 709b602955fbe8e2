"""The waits that were told, held against the waits that came.

A customer answered within what was told: it held. Answered later, or not answered although they
waited longer than was told: it did not. Whoever left or was told that nobody is available sooner
than that is left out, for nobody knows what would have come.
"""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import NamedTuple

from django.db import connection

from tickets import sql

ENDED_SQL = sql.read(__package__, "count_kept_waits")


class QuantileHits(NamedTuple):
    """How often one of the two told waits held."""

    within: int = 0
    missed: int = 0
    left_out: int = 0

    @property
    def counted(self) -> int:
        return self.within + self.missed

    @property
    def share(self) -> float | None:
        """From 0 to 1. None when there is nothing to judge by."""
        return self.within / self.counted if self.counted else None


class WaitTally(NamedTuple):
    """Tickets answered or ended: what half were told, what nine of ten were, who was told none."""

    p50: QuantileHits = QuantileHits()
    p90: QuantileHits = QuantileHits()
    untold: int = 0


class WaitRow(NamedTuple):
    """The tally of a day (UTC) and a language."""

    day: date
    language: str
    tally: WaitTally


def by_day(*, at: datetime, days: int) -> list[WaitRow]:
    """How waits held on each of so many days, today the last, by language."""
    since = at.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=days - 1)
    with connection.cursor() as cursor:
        cursor.execute(ENDED_SQL, {"since": since})
        return [
            WaitRow(
                day,
                language,
                WaitTally(QuantileHits(*counts[:3]), QuantileHits(*counts[3:6]), counts[6]),
            )
            for day, language, *counts in cursor.fetchall()
        ]


def summed(rows: Iterable[WaitRow]) -> WaitTally:
    """All of them together."""
    tallies = [row.tally for row in rows]
    return WaitTally(
        _added(tally.p50 for tally in tallies),
        _added(tally.p90 for tally in tallies),
        sum(tally.untold for tally in tallies),
    )


def _added(parts: Iterable[QuantileHits]) -> QuantileHits:
    counts = list(parts)
    return QuantileHits(
        sum(one.within for one in counts),
        sum(one.missed for one in counts),
        sum(one.left_out for one in counts),
    )
