"""Scarcity on a simulated day, kept up as it goes on. The product asks its database instead."""

from collections import Counter, deque
from collections.abc import Iterable, Mapping

from dispatch.rules import policy as rules

LATELY = rules.LOOK_BACK.total_seconds()


class ScarcityMeter:
    """What is usually asked for, how many came lately, and who is free for what."""

    def __init__(self, usual: Mapping[str, float]) -> None:
        self.usual = usual
        self._came: deque[float] = deque()
        self._places: Counter[str] = Counter()
        self._known: dict[str, int] = {}

    def come(self, now: float) -> None:
        """Somebody asks for something."""
        self._came.append(now)

    def change(self, things: Iterable[str], places: int) -> None:
        """So many more can be helped with these."""
        for thing in things:
            self._places[thing] += places

    def look(self, now: float) -> None:
        """A wave begins: what was known is to be seen anew."""
        while self._came and self._came[0] <= now - LATELY:
            self._came.popleft()
        self._known.clear()

    def of(self, things: Iterable[str]) -> dict[str, int]:
        """In thousandths, of those of these things that are asked for at all."""
        return {thing: self._scarcity_of(thing) for thing in things if thing in self.usual}

    def _scarcity_of(self, thing: str) -> int:
        if thing not in self._known:
            expected = rules.expected_arrivals(self.usual[thing], len(self._came) / LATELY)
            self._known[thing] = rules.scarcity(expected, self._places[thing])
        return self._known[thing]
