"""The figures about reviews on the admin page of an agent."""

import pytest

from dispatch.models import AgentRating
from tests.factories import make_agent
from tests.staff import log_in_coordinator, page_address

pytestmark = pytest.mark.django_db


def figures(reviews: int = 0, good: int = 0) -> dict[str, str]:
    agent = make_agent()
    if reviews:
        AgentRating.objects.create(agent=agent, reviews=reviews, good=good)
    shown = log_in_coordinator().get(page_address("agents_agent", agent))
    return {str(name): str(value) for name, value in shown.context["figures"]}


@pytest.mark.parametrize(
    ("reviews", "good", "counted", "said"),
    [
        (0, 0, "—", "too few reviews to say"),
        (19, 19, "19 good of 19", "too few reviews to say"),
        (20, 18, "18 good of 20", "at least 70 %"),
    ],
)
def test_too_few_reviews_give_no_share(reviews: int, good: int, counted: str, said: str) -> None:
    shown = figures(reviews, good)

    assert (shown["reviews"], shown["well reviewed"]) == (counted, said)
