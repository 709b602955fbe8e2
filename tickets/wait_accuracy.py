"""Compares the quoted waits with the real ones.

A quoted wait held if the customer was answered within it. It did not hold if the customer waited
longer, answered or not. A ticket that ended unanswered before the quoted wait is left out, because
its real wait is unknown.
"""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import NamedTuple

from django.db import connection

from tickets import sql

ENDED_SQL = sql.read(__package__, "count_kept_waits")


class QuantileHits(NamedTuple):
    """How often one of the two quoted waits (p50, p90) held."""

    within: int = 0
    missed: int = 0
    left_out: int = 0

    @property
    def counted(self) -> int:
        return self.within + self.missed

    @property
    def share(self) -> float | None:
        """The share of waits that held, from 0 to 1. None without data."""
        return self.within / self.counted if self.counted else None


class WaitTally(NamedTuple):
    """Tickets answered or ended: hits of p50, hits of p90, and tickets without a quoted wait."""

    p50: QuantileHits = QuantileHits()
    p90: QuantileHits = QuantileHits()
    unquoted: int = 0


class WaitRow(NamedTuple):
    """The tally of a day (UTC) and a language."""

    day: date
    language: str
    tally: WaitTally


def read_days(*, at: datetime, days: int) -> list[WaitRow]:
    """Count by day and language how the quoted waits held, for `days` days up to today."""
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


def sum_rows(rows: Iterable[WaitRow]) -> WaitTally:
    """Add up the tallies of all rows."""
    tallies = [row.tally for row in rows]
    return WaitTally(
        _sum_hits(tally.p50 for tally in tallies),
        _sum_hits(tally.p90 for tally in tallies),
        sum(tally.unquoted for tally in tallies),
    )


def _sum_hits(parts: Iterable[QuantileHits]) -> QuantileHits:
    counts = list(parts)
    return QuantileHits(
        sum(count.within for count in counts),
        sum(count.missed for count in counts),
        sum(count.left_out for count in counts),
    )
