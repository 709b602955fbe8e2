"""The acceptance rate of all agents together, by topic and hour, for the rival strategy.

A topic is a language with a set of required skills. No agent is counted individually.
"""

from collections import Counter
from collections.abc import Hashable

from dispatch.rules.policy import WaitingTicket

HOUR = 3600.0
#: A rate of fewer answers than this is unknown.
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
        """The acceptance rate of this hour and the last; None with fewer than ENOUGH answers."""
        keys = [(topic(ticket), at // HOUR - back) for back in (0, 1)]
        answers = sum(self._answers[key] for key in keys)
        return sum(self._yes[key] for key in keys) / answers if answers >= ENOUGH else None
