"""Metrics: read from PostgreSQL, so that they are right whichever process is asked."""

import socket
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from django.db import OperationalError, connection
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families

from dispatch import assignments, scheduler
from dispatch.models import LiveServer, MatchLatency, Offer
from dispatch.models.operations import get_host_and_pid
from dispatch.operations import audit, connections, first_offer_latency, metrics
from dispatch.operations.invariants import INVARIANTS, Window
from tests import factories
from tickets import clock
from tickets.models import Ticket, WebhookDelivery

pytestmark = pytest.mark.django_db


class OpenConnection:
    """Reads as a scrape does, but keeps the connection open: here it is the test's."""

    def collect(self) -> Iterator[Metric]:
        return metrics.read_metrics(at=clock.now())


def scraped() -> dict[Any, float]:
    """Each figure by its name, or by its name and its label."""
    registry = CollectorRegistry()
    registry.register(OpenConnection())
    text = generate_latest(registry)
    return {
        (sample.name, *sample.labels.values()) if sample.labels else sample.name: sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


def test_an_empty_floor_has_figures_too() -> None:
    figures = scraped()

    assert {name for name in figures if isinstance(name, str)} == {
        "releve_longest_wait_seconds",
        "releve_offers_in_flight",
        "releve_lease_losses_total",
        "releve_open_sockets",
        "releve_webhook_dead_letters",
        "releve_oldest_unsent_event_seconds",
    }
    assert set(figures.values()) == {0.0}


def test_who_waits_is_counted_by_language() -> None:
    factories.make_ticket(at=clock.now() - timedelta(minutes=1))
    factories.make_ticket()
    factories.make_ticket(language="sv")
    factories.make_offer()

    figures = scraped()

    assert figures["releve_tickets_waiting", "en"] == 3
    assert figures["releve_tickets_waiting", "sv"] == 1
    assert 60 <= figures["releve_longest_wait_seconds"] < 65
    assert figures["releve_offers_in_flight"] == 1


def test_a_lost_conversation_is_counted_for_good() -> None:
    assignments.lose(factories.make_assignment(), at=clock.now())
    Ticket.objects.update(status="abandoned", closed_at=clock.now())

    assert scraped()["releve_lease_losses_total"] == 1


def test_the_clock_is_behind_by_its_silence_or_its_lateness() -> None:
    scheduler.beat(leader="a:1", lag_ms=7000, took_ms=250)

    figures = scraped()

    assert figures["releve_scheduler_lag_seconds"] == 7
    assert figures["releve_scheduler_tick_seconds"] == 0.25


def test_the_open_sockets_of_live_servers_that_live_are_added_up() -> None:
    at = clock.now()
    LiveServer.objects.create(name="a:1", sockets=3, seen_at=at)
    LiveServer.objects.create(name="b:1", sockets=5, seen_at=at - connections.GONE)

    connections.report(4, at=at)

    assert scraped()["releve_open_sockets"] == 7


def test_a_live_server_of_yesterday_is_forgotten() -> None:
    at = clock.now()
    LiveServer.objects.create(name="b:1", sockets=5, seen_at=at - timedelta(days=2))

    connections.report(4, at=at)
    connections.report(2, at=at)

    assert LiveServer.objects.values_list("name", "sockets").get() == (get_host_and_pid(), 2)


def test_breaches_are_named_and_so_is_what_holds() -> None:
    Ticket.objects.filter(pk=factories.make_ticket().pk).update(status="active")

    audit.run(Window(clock.now(), audit.EVER))

    figures = scraped()
    assert figures["releve_audit_breaches", "s5_conversation_and_ticket"] == 1
    assert figures["releve_audit_breaches", "s2_load"] == 0
    assert sum(key[0] == "releve_audit_breaches" for key in figures) == len(INVARIANTS)
    assert clock.now().timestamp() - figures["releve_audit_timestamp_seconds"] < 10


def test_news_given_up_and_news_nobody_tried() -> None:
    ticket, endpoint = factories.make_ticket(), factories.make_endpoint()
    at = clock.now()
    for version, given in enumerate([{"dead_at": at}, {}]):
        WebhookDelivery.objects.create(
            ticket=ticket,
            endpoint=endpoint,
            type="message.created",
            version=version,
            payload={},
            created_at=at - timedelta(hours=1),
            next_attempt_at=at - timedelta(seconds=30),
            **given,
        )

    figures = scraped()

    assert figures["releve_webhook_dead_letters"] == 1
    assert 30 <= figures["releve_oldest_unsent_event_seconds"] < 35


@pytest.fixture
def served() -> Iterator[str]:
    """The address of the metrics of a server on a free port."""
    server = metrics.serve(0)
    yield f"http://127.0.0.1:{server.server_port}/metrics"
    server.shutdown()
    server.server_close()


@pytest.mark.django_db(transaction=True)
def test_a_scrape_over_http_leaves_no_connection_open(served: str) -> None:
    factories.make_ticket()
    before = open_connections()

    answers = [httpx.get(served, trust_env=False) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200] * 3
    assert 'releve_tickets_waiting{language="en"} 1.0' in answers[0].text
    assert open_connections() == before


def open_connections() -> int:
    """Of this database. A server needs a moment to end a connection that was closed."""
    time.sleep(0.3)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
        return int(cursor.fetchone()[0])


def test_a_scrape_that_fails_answers_500_and_quotes_nothing(
    served: str, monkeypatch: Any, caplog: Any, capfd: Any
) -> None:
    def lost() -> None:
        raise OperationalError("secret")

    monkeypatch.setattr(clock, "now", lost)

    answer = httpx.get(served, trust_env=False)

    assert answer.status_code == 500
    assert "metrics: scrape failed (OperationalError)" in caplog.text
    printed = capfd.readouterr()
    assert "secret" not in answer.text + caplog.text + printed.out + printed.err


def test_a_scrape_that_succeeds_is_not_logged(
    monkeypatch: Any, served: str, caplog: Any, capfd: Any
) -> None:
    monkeypatch.setattr(metrics, "read_metrics", lambda *, at: iter(()))
    caplog.set_level("INFO", logger="dispatch")

    assert httpx.get(served, trust_env=False).status_code == 200

    assert [record for record in caplog.records if record.name != "httpx"] == []
    assert '"GET /metrics' not in capfd.readouterr().err


def test_a_port_that_is_taken_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        metrics.serve(taken.getsockname()[1])


def waited(seconds: float) -> Offer:
    """An offer sent a minute ago for a ticket that had waited so long."""
    offer = factories.make_offer(factories.make_ticket(), factories.make_agent())
    sent_at = clock.now() - timedelta(minutes=1)
    Offer.objects.filter(pk=offer.pk).update(sent_at=sent_at)
    queued_at = sent_at - timedelta(seconds=seconds)
    Ticket.objects.filter(pk=offer.ticket_id).update(queued_at=queued_at)
    return offer


@pytest.fixture
def since_an_hour() -> None:
    """Offers of the last hour are not counted yet."""
    counts = [0] * (len(first_offer_latency.BUCKETS) + 1)
    MatchLatency.objects.create(counted_to=clock.now() - timedelta(hours=1), counts=counts)


@pytest.mark.usefixtures("since_an_hour")
def test_waits_for_a_first_offer_are_counted_once_each() -> None:
    for seconds in (0.01, 0.07, 0.07, 1000):
        waited(seconds)

    first_offer_latency.count(at=clock.now())
    first_offer_latency.count(at=clock.now())

    figures = scraped()
    bucket = "releve_match_latency_seconds_bucket"
    assert [figures[bucket, le] for le in ("0.025", "0.05", "0.1", "180.0", "+Inf")] == [
        1, 1, 3, 3, 4,
    ]  # fmt: skip
    assert figures["releve_match_latency_seconds_count"] == 4
    assert figures["releve_match_latency_seconds_sum"] == pytest.approx(1000.15)


@pytest.mark.usefixtures("since_an_hour")
def test_a_second_offer_of_a_ticket_is_no_first_one() -> None:
    first = waited(0.01)
    Offer.objects.filter(pk=first.pk).update(status="declined", settled_at=clock.now())
    again = factories.make_offer(first.ticket, factories.make_agent())
    Offer.objects.filter(pk=again.pk).update(sent_at=clock.now() - timedelta(seconds=50))

    first_offer_latency.count(at=clock.now())

    assert sum(MatchLatency.objects.get().counts) == 1


@pytest.mark.usefixtures("since_an_hour")
def test_what_was_sent_just_now_is_counted_later() -> None:
    factories.make_offer()
    now = clock.now()

    first_offer_latency.count(at=now)
    before = sum(MatchLatency.objects.get().counts)
    first_offer_latency.count(at=now + 2 * first_offer_latency.SETTLED)

    assert before == 0
    assert sum(MatchLatency.objects.get().counts) == 1
