"""The highest rate a system sustains: up the rungs until it fails, then between the two."""

from collections.abc import Callable, Sequence

#: Escalations a second, each rung some 10 % above the one before.
RUNGS = sorted({round(4 * 1.1**step) for step in range(66)})
#: A rung is failed when it was failed so often: one hiccup of the machine is no limit.
TRIES = 2
#: No stride is longer: eight rungs are twice the rate.
LONGEST = 8


def highest(holds: Callable[[int], bool], *, rungs: Sequence[int], known: float = 0) -> int:
    """The last rung that holds; 0 if none does. `known`: a rate that was seen to hold."""
    low, high, stride = sum(rung <= known for rung in rungs) - 1, len(rungs), 2
    while high - low > 1:
        # Long strides up while nothing has failed yet, then by halves.
        middle = min(low + stride, high - 1) if high == len(rungs) else (low + high) // 2
        if any(holds(rungs[middle]) for _ in range(TRIES)):
            low, stride = middle, min(stride * 2, LONGEST)
        else:
            high = middle
    return rungs[low] if low >= 0 else 0
