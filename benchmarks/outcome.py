"""The result of a step at one rate, and whether the system kept up."""

from dataclasses import dataclass
from statistics import median, quantiles

#: A rate is sustained only while 99 in 100 offers arrive within this time, in ms.
SLOWEST = 1000.0
#: The wait may grow by this much (ms) from the first quarter of a step to the last.
GROWTH = 250.0
CUTS = {"p50": 49, "p95": 94, "p99": 98}


@dataclass(frozen=True)
class Outcome:
    """One step. Waits in ms in the order of the posts; None means that no offer arrived."""

    rate: float
    waits: list[float | None]
    #: The sum over all processes of the system.
    cpu_ms: float
    #: The number of planned posts; an aborted step sent fewer.
    planned: int
    #: Pages whose connection the server closed.
    closed: int = 0

    @property
    def waits_taken(self) -> list[float]:
        return [wait for wait in self.waits if wait is not None]

    @property
    def arrived_share(self) -> float:
        """The share of the planned offers that arrived."""
        return len(self.waits_taken) / max(self.planned, 1)

    @property
    def percentiles(self) -> dict[str, float | None]:
        if len(self.waits_taken) < 2:
            return dict.fromkeys(CUTS)
        cuts = quantiles(self.waits_taken, n=100, method="inclusive")
        return {name: round(cuts[at], 1) for name, at in CUTS.items()}

    @property
    def cpu_per_escalation(self) -> float:
        """In ms."""
        return round(self.cpu_ms / max(len(self.waits), 1), 2)

    @property
    def has_kept_up(self) -> bool:
        """Sustained: every offer arrived, 99 in 100 within a second, and the wait didn't grow."""
        if self.arrived_share < 1 or self.closed:
            return False
        quarter = max(len(self.waits_taken) // 4, 1)
        grew = median(self.waits_taken[-quarter:]) - median(self.waits_taken[:quarter])
        slowest = self.percentiles["p99"]
        return grew < GROWTH and slowest is not None and slowest < SLOWEST
