"""How long people wait before they give up, estimated though most were answered before.

Whoever is answered after a minute would have waited for a minute at least: their patience is
censored. Kaplan and Meier (JASA 1958) count them for as long as they were seen.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import Self

import numpy
from scipy.stats import CensoredData, ecdf


@dataclass(frozen=True)
class Patience:
    """The seconds at which somebody gave up, and the share still waiting after each."""

    seconds: tuple[float, ...]
    left: tuple[float, ...]

    @classmethod
    def learned(cls, *, left: Sequence[float], answered: Sequence[float]) -> Self:
        """From the waits of those who left and of those who were answered, in seconds."""
        if not left:
            return cls((), ())
        sf = ecdf(CensoredData(uncensored=left, right=answered)).sf
        steps = numpy.flatnonzero(numpy.diff(sf.probabilities, prepend=1.0))
        return cls(tuple(sf.quantiles[steps].tolist()), tuple(sf.probabilities[steps].tolist()))

    def at(self, chance: float) -> float:
        """The patience of somebody, `chance` being drawn from [0, 1).

        Beyond the longest wait that was seen nobody knows: they stay.
        """
        step = int(numpy.searchsorted(-numpy.asarray(self.left), -(1 - chance), side="left"))
        return self.seconds[step] if step < len(self.seconds) else inf
