"""The lower confidence bound of an agent's share of good reviews. Standard library only."""

from math import sqrt

#: An agent with fewer reviews than this counts as unrated.
LEAST_REVIEWS = 20


def wilson_lower_bound(good: int, reviews: int, z: float = 1.96) -> float:
    """The lower bound of an agent's share of good reviews, from 0 to 1; 0 without reviews.

    The lower end of the score interval of E. B. Wilson, "Probable inference, the law of succession,
    and statistical inference", Journal of the American Statistical Association 22 (1927), 209-212.
    At z = 1.96 the true share lies within the interval in 95 of 100 cases.
    """
    if not reviews:
        return 0.0
    share, square = good / reviews, z * z
    middle = share + square / (2 * reviews)
    margin = z * sqrt(share * (1 - share) / reviews + square / (4 * reviews**2))
    return max((middle - margin) / (1 + square / reviews), 0.0)
