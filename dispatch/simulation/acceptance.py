"""How often all agents together say yes, by topic and hour: for the rival that asks two at once.

The topic is the skills asked for, in their language. No agent is counted singly.
"""

from collections import Counter
from collections.abc import Hashable

from dispatch.rules.policy import WaitingTicket

HOUR = 3600.0
#: Fewer answers than this in an hour tell nothing yet.
ENOUGH = 10


def topic(ticket: WaitingTicket) -> Hashable:
    return (ticket.language, tuple(sorted(ticket.skills)))


class Acceptance:
    """The answers given so far, by topic and hour of the day."""

    def __init__(self) -> None:
        self._answers: Counter[Hashable] = Counter()
        self._yes: Counter[Hashable] = Counter()

    def count(self, ticket: WaitingTicket, *, yes: bool, at: float) -> None:
        key = (topic(ticket), at // HOUR)
        self._answers[key] += 1
        self._yes[key] += yes

    def share(self, ticket: WaitingTicket, *, at: float) -> float | None:
        """Of this hour and the hour before; None while there are too few answers."""
        keys = [(topic(ticket), at // HOUR - back) for back in (0, 1)]
        answers = sum(self._answers[key] for key in keys)
        return sum(self._yes[key] for key in keys) / answers if answers >= ENOUGH else None
