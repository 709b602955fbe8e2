"""Scarcity on a simulated day, updated with each event. The product reads its database instead."""

from collections import Counter, deque
from collections.abc import Iterable, Mapping

from dispatch.rules import policy as rules

WINDOW_S = rules.LOOK_BACK.total_seconds()


class ScarcityMeter:
    """Scarcity by capability, from usual demand, recent arrivals and free places."""

    def __init__(self, usual: Mapping[str, float]) -> None:
        self.usual = usual
        self._arrivals: deque[float] = deque()
        self._places: Counter[str] = Counter()
        self._cached: dict[str, int] = {}

    def record_arrival(self, now: float) -> None:
        """Count a ticket that arrives now."""
        self._arrivals.append(now)

    def add_places(self, capabilities: Iterable[str], places: int) -> None:
        """Add free places, or take them away, for each of these capabilities."""
        for capability in capabilities:
            self._places[capability] += places

    def start_wave(self, now: float) -> None:
        """Forget old arrivals and cached values, because a wave begins."""
        while self._arrivals and self._arrivals[0] <= now - WINDOW_S:
            self._arrivals.popleft()
        self._cached.clear()

    def measure(self, capabilities: Iterable[str]) -> dict[str, int]:
        """The scarcity, in thousandths, of those of these capabilities that are ever required."""
        return {name: self._compute(name) for name in capabilities if name in self.usual}

    def _compute(self, capability: str) -> int:
        if capability not in self._cached:
            expected = rules.expected_arrivals(
                self.usual[capability], len(self._arrivals) / WINDOW_S
            )
            self._cached[capability] = rules.scarcity(expected, self._places[capability])
        return self._cached[capability]
