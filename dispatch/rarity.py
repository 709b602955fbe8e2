"""How rare and wanted each language and skill is, as the newest tickets and those here tell.

Two bounded queries, once a minute a process. A wave keeps what it was told with its decision.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.core.cache import cache
from django.db import connection

from dispatch import glance, policy

KEY = "rarity"
#: For so many seconds it is taken for the same.
REMEMBERED = 60
#: So many tickets, the newest, tell what is asked for.
TICKETS = 2_000
#: Whoever was here within this time is one of those who can or can't help.
HERE = timedelta(days=1)

WANTED = """
SELECT lane, count(*) FROM (
    SELECT lane FROM tickets_ticket ORDER BY id DESC LIMIT %(tickets)s
) newest GROUP BY lane
"""
ABLE = """
SELECT array_to_string(p.abilities, ' '), count(*)
FROM agents_presence p JOIN agents_agent a ON a.id = p.agent_id AND a.status = 'approved'
WHERE p.seen_at > %(since)s GROUP BY 1
"""


def now(*, at: datetime) -> Mapping[str, int]:
    """By language and skill, in thousandths."""
    known: dict[str, int] | None = cache.get(KEY)
    if known is None:
        wanted = _counted(WANTED, tickets=TICKETS)
        known = policy.rarities(wanted, _counted(ABLE, since=at - HERE))
        cache.set(KEY, known, timeout=REMEMBERED)
    return known


def _counted(query: str, **given: Any) -> list[tuple[frozenset[str], int]]:
    """How often which languages and skills go together, whatever the levels."""
    with connection.cursor() as cursor:
        cursor.execute(query, given)
        rows: Iterable[tuple[str, int]] = cursor.fetchall()
    counted: Counter[frozenset[str]] = Counter()
    for words, many in rows:
        able = glance.can(words)
        counted[frozenset({*able.languages, *able.skills})] += many
    return list(counted.items())
