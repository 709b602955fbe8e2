"""Handle time, measured from finished conversations."""

from datetime import timedelta

import pytest
from django.core.cache import cache

from dispatch import assignments
from dispatch.models import Assignment, Offer
from dispatch.waves import handle_time, wave
from tests import factories
from tickets import clock
from tickets.models import Client

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)


def make_finished(minutes: int, *, topic: str = "card", client: Client | None = None) -> Assignment:
    """Make a conversation of the last days that took this long."""
    began = clock.now() - timedelta(days=1)
    ticket = factories.make_ticket(client, topic=topic)
    held = factories.make_assignment(ticket=ticket, agent=factories.make_agent(), at=began)
    assignments.resolve(held, disposition="solved", at=began + minutes * MINUTE)
    return assignments.finish(held, at=began + minutes * MINUTE)


def get_median() -> dict[str, timedelta]:
    cache.clear()
    return {topic: took for (_, topic), took in handle_time.get_medians(at=clock.now()).items()}


def test_median_of_enough_conversations_is_used() -> None:
    for minutes in (1, 2, 3, 10, 60):
        make_finished(minutes)

    assert get_median() == {"card": 3 * MINUTE}


def test_too_few_conversations_give_no_median() -> None:
    for minutes in (1, 2, 3, 10):
        make_finished(minutes)

    assert get_median() == {}


def test_each_client_and_topic_has_its_own_median() -> None:
    first, other = factories.make_client(), factories.make_client("other")
    for _ in range(handle_time.ENOUGH):
        make_finished(2, client=first)
        make_finished(4, client=first, topic="loan")
        make_finished(6, client=other)

    cache.clear()
    found = handle_time.get_medians(at=clock.now())
    assert found == {
        (first.pk, "card"): 2 * MINUTE,
        (first.pk, "loan"): 4 * MINUTE,
        (other.pk, "card"): 6 * MINUTE,
    }


@pytest.mark.parametrize(
    "change", [{"ending": "lost"}, {"ending": "abandoned"}, {"finished_at": "2020-01-01T00:00Z"}]
)
def test_other_endings_and_old_conversations_are_left_out(change: dict[str, str]) -> None:
    for _ in range(handle_time.ENOUGH):
        left_out = make_finished(2)

    Assignment.objects.filter(pk=left_out.pk).update(**change)

    assert get_median() == {}


def test_quote_uses_the_measured_handle_time() -> None:
    for _ in range(handle_time.ENOUGH):
        make_finished(20)
    cache.clear()
    ticket = factories.make_ticket()

    wave.run(at=clock.now())

    quote = Offer.objects.get(ticket=ticket).quote
    assert (quote.minutes, quote.amount) == (20, 150 + 20 * 30)
