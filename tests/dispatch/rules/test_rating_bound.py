"""The Wilson lower bound of an agent's share of good reviews."""

import pytest

from dispatch.rules.rating_bound import wilson_lower_bound


@pytest.mark.parametrize(
    ("good", "reviews", "bound"),
    # Computed with scipy.stats.binomtest(good, reviews).proportion_ci(method="wilson").
    [(10, 10, 0.7225), (18, 20, 0.6990), (90, 100, 0.8256), (0, 20, 0.0), (50, 100, 0.4038)],
)
def test_the_bound_equals_scipys_wilson_interval(good: int, reviews: int, bound: float) -> None:
    assert wilson_lower_bound(good, reviews) == pytest.approx(bound, abs=0.0005)


def test_the_bound_without_reviews_is_zero() -> None:
    assert wilson_lower_bound(0, 0) == 0.0


def test_more_reviews_of_the_same_share_raise_the_bound() -> None:
    assert (
        wilson_lower_bound(9, 10)
        < wilson_lower_bound(90, 100)
        < wilson_lower_bound(900, 1000)
        < 0.9
    )
