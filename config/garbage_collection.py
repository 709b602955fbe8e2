"""Python's collector of cycles, made to keep out of the way of those who wait.

Every so often it goes through all there is: in a process of ours some hundred thousand objects,
most of them code that never goes, and everybody waits a tenth of a second meanwhile.
"""

import gc

#: New objects before a look at the young ones, and how many such looks before one further back.
#: Python's own (700, 10, 10) suits scripts.
THRESHOLDS = (5_000, 20, 50)


def freeze() -> None:
    """Call when all is loaded: what is there by then is there to stay and not looked at again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
