"""What the forecast remembers: a second quote asks nothing, whoever came since is in front."""

import threading
import time

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from dispatch.waits import estimates, estimator_cache, pool
from dispatch.waits.estimator import WaitEstimator
from dispatch.waits.estimator_cache import EstimatorCache
from tests import factories
from tests.dispatch.waits.quotes import talking, would_be
from tickets import clock
from tickets.models import Client

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def client() -> Client:
    made = factories.make_client()
    factories.make_card(made)
    return made


def test_whoever_comes_is_in_front_at_once(client: Client) -> None:
    """The floor is remembered, those who came since are added."""
    factories.make_agent()
    estimates.estimate(would_be(client), at=clock.now())
    for _ in range(2):
        factories.make_ticket()

    told = estimates.estimate(would_be(client), at=clock.now())

    assert told.p50 is not None
    assert told.p50 > 2 * 60


def test_a_second_quote_asks_the_database_nothing(client: Client) -> None:
    factories.make_agent()
    at = clock.now()
    estimates.estimate(would_be(client, at=at), at=at)
    ticket = would_be(client, at=at)

    with CaptureQueriesContext(connection) as queries:
        estimates.estimate(ticket, at=at)

    assert len(queries) == 0


@pytest.mark.usefixtures("no_worker")
def test_whoever_asks_when_it_is_read_anew_does_not_wait_for_that(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = clock.now()
    # Its own, or its thread would read on during other tests.
    memory = EstimatorCache()
    known, fresh = memory.estimator(at=at), pool.read(at=at)
    go_on = threading.Event()
    monkeypatch.setattr(pool, "read", lambda *, at: go_on.wait(5) and fresh)
    known.read_at -= estimator_cache.REMEMBERED

    assert memory.estimator(at=at) is known

    go_on.set()
    give_up = time.monotonic() + 5
    while memory.estimator(at=at).snapshot is not fresh:
        assert time.monotonic() < give_up


def test_a_lane_that_comes_while_others_are_looked_at_is_no_trouble(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    factories.make_agent()
    factories.make_ticket()
    view = estimator_cache.estimator(at=clock.now())
    compete = WaitEstimator._compete

    def joined_meanwhile(self: WaitEstimator, lane: str, other: str) -> bool:
        self.add(would_be(client, language="sv"))
        return compete(self, lane, other)

    monkeypatch.setattr(WaitEstimator, "_compete", joined_meanwhile)

    would = would_be(client)
    assert view._ahead(would.lane, view.snapshot.turn_at(would)) == 1


def test_a_floor_of_many_is_read_in_as_many_queries_as_one_of_few(client: Client) -> None:
    def queries() -> int:
        estimator_cache.forget()
        with CaptureQueriesContext(connection) as asked:
            estimates.estimate(would_be(client), at=clock.now())
        return len(asked)

    talking(factories.make_agent())
    queries()
    few = queries()
    for _ in range(5):
        talking(factories.make_agent())
        factories.make_ticket()

    assert queries() == few
