"""Finds the highest rate that a system sustains: climbs until a failure, then bisects."""

from collections.abc import Callable, Sequence

#: Escalations a second. Each rung is about 10 % above the one before.
RUNGS = sorted({round(4 * 1.1**step) for step in range(66)})
#: A rung fails after this many failures, because a single hiccup of the machine is no limit.
TRIES = 2
#: The longest stride: eight rungs double the rate.
LONGEST = 8


def find_highest(holds: Callable[[int], bool], *, rungs: Sequence[int], known: float = 0) -> int:
    """The highest rung that holds, or 0. `known` is a rate that is known to hold."""
    low, high, stride = sum(rung <= known for rung in rungs) - 1, len(rungs), 2
    while high - low > 1:
        # Climb in growing strides until a failure, then bisect.
        middle = min(low + stride, high - 1) if high == len(rungs) else (low + high) // 2
        if any(holds(rungs[middle]) for _ in range(TRIES)):
            low, stride = middle, min(stride * 2, LONGEST)
        else:
            high = middle
    return rungs[low] if low >= 0 else 0
