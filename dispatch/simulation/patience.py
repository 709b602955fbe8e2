"""The patience of callers: how long they wait before they leave, by the Kaplan-Meier estimator.

A caller who was answered would have waited longer, so their patience is right-censored. Kaplan and
Meier (Journal of the American Statistical Association 53, 1958) count them for as long as they
waited.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import Self

import numpy
from scipy.stats import CensoredData, ecdf


@dataclass(frozen=True)
class Patience:
    """The survival function of waiting: the share `left` still waiting after each of `seconds`."""

    seconds: tuple[float, ...]
    left: tuple[float, ...]

    @classmethod
    def estimate(cls, *, left: Sequence[float], answered: Sequence[float]) -> Self:
        """Estimate it from the waits in seconds of callers who left and who were answered."""
        if not left:
            return cls((), ())
        sf = ecdf(CensoredData(uncensored=left, right=answered)).sf
        steps = numpy.flatnonzero(numpy.diff(sf.probabilities, prepend=1.0))
        return cls(tuple(sf.quantiles[steps].tolist()), tuple(sf.probabilities[steps].tolist()))

    def quantile(self, chance: float) -> float:
        """The patience in seconds of a caller drawn at `chance` from [0, 1).

        It is infinite beyond the longest recorded wait, because nothing is known there.
        """
        step = int(numpy.searchsorted(-numpy.asarray(self.left), -(1 - chance), side="left"))
        return self.seconds[step] if step < len(self.seconds) else inf
