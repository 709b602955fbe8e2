"""What one step at one rate met, and whether the system kept up with it."""

from dataclasses import dataclass
from statistics import median, quantiles

#: A rate is sustained only while 99 in 100 offers come within this, in ms.
SLOWEST = 1000.0
#: The wait may grow by so many ms from the first quarter of a step to its last.
GROWTH = 250.0
CUTS = {"p50": 49, "p95": 94, "p99": 98}


@dataclass(frozen=True)
class Outcome:
    """One step. Waits in ms in the order of the posts, None where no offer came."""

    rate: float
    waits: list[float | None]
    #: Of all the system's processes together.
    cpu_ms: float
    #: How many posts there were to be; fewer were sent if it was broken off.
    planned: int
    #: Pages whose line the server closed.
    closed: int = 0

    @property
    def took(self) -> list[float]:
        return [wait for wait in self.waits if wait is not None]

    @property
    def arrived(self) -> float:
        """The share of the offers that came, of those that were to be."""
        return len(self.took) / max(self.planned, 1)

    @property
    def percentiles(self) -> dict[str, float | None]:
        if len(self.took) < 2:
            return dict.fromkeys(CUTS)
        cuts = quantiles(self.took, n=100, method="inclusive")
        return {name: round(cuts[at], 1) for name, at in CUTS.items()}

    @property
    def cpu_per_escalation(self) -> float:
        """ms."""
        return round(self.cpu_ms / max(len(self.waits), 1), 2)

    @property
    def kept_up(self) -> bool:
        """Sustained: every offer came, 99 in 100 within a second, and the wait didn't grow."""
        if self.arrived < 1 or self.closed:
            return False
        quarter = max(len(self.took) // 4, 1)
        grew = median(self.took[-quarter:]) - median(self.took[:quarter])
        slowest = self.percentiles["p99"]
        return grew < GROWTH and slowest is not None and slowest < SLOWEST
