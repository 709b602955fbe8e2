"""Quality: what reviews let one say of an agent's work, and when they are too few to say anything.

Pure: counts in, a share out.
"""

from math import sqrt

#: Fewer reviews than this say nothing of anybody.
LEAST_REVIEWS = 20


def lower_bound(good: int, reviews: int, z: float = 1.96) -> float:
    """The share of good reviews, from 0 to 1, that is exceeded with 97.5 % confidence.

    The lower end of Wilson's score interval (E. B. Wilson, "Probable inference, the law of
    succession, and statistical inference", JASA 22, 1927). 0 without reviews.
    """
    if reviews <= 0:
        return 0.0
    share, square = good / reviews, z * z
    centre = share + square / (2 * reviews)
    spread = z * sqrt(share * (1 - share) / reviews + square / (4 * reviews * reviews))
    return max((centre - spread) / (1 + square / reviews), 0.0)
