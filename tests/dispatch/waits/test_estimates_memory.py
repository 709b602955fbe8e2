"""The cached estimator: a second estimate runs no query, and new tickets count at once."""

import threading
import time

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from dispatch.waits import estimates, estimator_cache, pool
from dispatch.waits.estimator import WaitEstimator
from dispatch.waits.estimator_cache import EstimatorCache
from tests import factories
from tests.dispatch.waits.quotes import draft_ticket, start_conversation
from tickets import clock
from tickets.models import Client

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def client() -> Client:
    made = factories.make_client()
    factories.make_card(made)
    return made


def test_new_ticket_is_ahead_at_once(client: Client) -> None:
    """The cached pool gets the tickets opened since."""
    factories.make_agent()
    estimates.estimate(draft_ticket(client), at=clock.now())
    for _ in range(2):
        factories.make_ticket()

    wait = estimates.estimate(draft_ticket(client), at=clock.now())

    assert wait.p50 is not None
    assert wait.p50 > 2 * 60


def test_second_estimate_runs_no_query(client: Client) -> None:
    factories.make_agent()
    at = clock.now()
    estimates.estimate(draft_ticket(client, at=at), at=at)
    ticket = draft_ticket(client, at=at)

    with CaptureQueriesContext(connection) as queries:
        estimates.estimate(ticket, at=at)

    assert len(queries) == 0


@pytest.mark.usefixtures("no_worker")
def test_estimate_does_not_wait_for_a_refresh(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = clock.now()
    # The cache is the test's own, because its thread would read on during other tests.
    memory = EstimatorCache()
    known, fresh = memory.get_estimator(at=at), pool.read(at=at)
    go_on = threading.Event()
    monkeypatch.setattr(pool, "read", lambda *, at: go_on.wait(5) and fresh)
    known.read_at -= estimator_cache.FRESH

    assert memory.get_estimator(at=at) is known

    go_on.set()
    give_up = time.monotonic() + 5
    while memory.get_estimator(at=at).snapshot is not fresh:
        assert time.monotonic() < give_up


def test_lane_added_during_an_estimate_does_no_harm(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    factories.make_agent()
    factories.make_ticket()
    view = estimator_cache.get_estimator(at=clock.now())
    compete = WaitEstimator._is_competing

    def joined_meanwhile(self: WaitEstimator, lane: str, other: str) -> bool:
        self.add(draft_ticket(client, language="sv"))
        return compete(self, lane, other)

    monkeypatch.setattr(WaitEstimator, "_is_competing", joined_meanwhile)

    would = draft_ticket(client)
    assert view._count_ahead(would.lane, view.snapshot.turn_at(would)) == 1


def test_pool_of_many_agents_takes_as_many_queries_as_of_few(client: Client) -> None:
    def queries() -> int:
        estimator_cache.clear()
        with CaptureQueriesContext(connection) as captured:
            estimates.estimate(draft_ticket(client), at=clock.now())
        return len(captured)

    start_conversation(factories.make_agent())
    queries()
    few = queries()
    for _ in range(5):
        start_conversation(factories.make_agent())
        factories.make_ticket()

    assert queries() == few
