"""Garbage-collector settings: freeze everything loaded at start, and collect less often.

A full collection visits every object, several hundred thousand in our processes, most of them code.
Each visit would pause all requests of the process for a tenth of a second.
"""

import gc

#: Allocations before a collection of generation 0, and collections before one of the next
#: generation. Python's default (700, 10, 10) suits scripts.
THRESHOLDS = (5_000, 20, 50)


def freeze() -> None:
    """Call once everything is loaded; later collections then skip the objects that exist now."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
