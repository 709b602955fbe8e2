"""Metrics, read from PostgreSQL, are right whichever process answers."""

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
    """Reads as a scrape does, but keeps the connection open, because it belongs to the test."""

    def collect(self) -> Iterator[Metric]:
        return metrics.read_metrics(at=clock.now())


def scrape() -> dict[Any, float]:
    """Return each figure by its name, or by its name and its label."""
    registry = CollectorRegistry()
    registry.register(OpenConnection())
    text = generate_latest(registry)
    return {
        (sample.name, *sample.labels.values()) if sample.labels else sample.name: sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


def test_empty_platform_has_all_figures() -> None:
    figures = scrape()

    assert {name for name in figures if isinstance(name, str)} == {
        "releve_longest_wait_seconds",
        "releve_offers_in_flight",
        "releve_lease_losses_total",
        "releve_open_sockets",
        "releve_webhook_dead_letters",
        "releve_oldest_unsent_event_seconds",
    }
    assert set(figures.values()) == {0.0}


def test_waiting_tickets_are_counted_by_language() -> None:
    factories.make_ticket(at=clock.now() - timedelta(minutes=1))
    factories.make_ticket()
    factories.make_ticket(language="sv")
    factories.make_offer()

    figures = scrape()

    assert figures["releve_tickets_waiting", "en"] == 3
    assert figures["releve_tickets_waiting", "sv"] == 1
    assert 60 <= figures["releve_longest_wait_seconds"] < 65
    assert figures["releve_offers_in_flight"] == 1


def test_lost_conversation_stays_counted() -> None:
    assignments.lose(factories.make_assignment(), at=clock.now())
    Ticket.objects.update(status="abandoned", closed_at=clock.now())

    assert scrape()["releve_lease_losses_total"] == 1


def test_scheduler_lag_is_its_silence_or_its_lateness() -> None:
    scheduler.beat(leader="a:1", lag_ms=7000, took_ms=250)

    figures = scrape()

    assert figures["releve_scheduler_lag_seconds"] == 7
    assert figures["releve_scheduler_tick_seconds"] == 0.25


def test_open_sockets_of_running_live_servers_are_added_up() -> None:
    at = clock.now()
    LiveServer.objects.create(name="a:1", sockets=3, seen_at=at)
    LiveServer.objects.create(name="b:1", sockets=5, seen_at=at - connections.GONE)

    connections.report(4, at=at)

    assert scrape()["releve_open_sockets"] == 7


def test_live_server_gone_for_a_day_is_deleted() -> None:
    at = clock.now()
    LiveServer.objects.create(name="b:1", sockets=5, seen_at=at - timedelta(days=2))

    connections.report(4, at=at)
    connections.report(2, at=at)

    assert LiveServer.objects.values_list("name", "sockets").get() == (get_host_and_pid(), 2)


def test_invariants_are_named_with_and_without_findings() -> None:
    Ticket.objects.filter(pk=factories.make_ticket().pk).update(status="active")

    audit.run(Window(clock.now(), audit.EVER))

    figures = scrape()
    assert figures["releve_audit_breaches", "s5_conversation_and_ticket"] == 1
    assert figures["releve_audit_breaches", "s2_load"] == 0
    assert sum(key[0] == "releve_audit_breaches" for key in figures) == len(INVARIANTS)
    assert clock.now().timestamp() - figures["releve_audit_timestamp_seconds"] < 10


def test_given_up_and_untried_events_are_counted() -> None:
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

    figures = scrape()

    assert figures["releve_webhook_dead_letters"] == 1
    assert 30 <= figures["releve_oldest_unsent_event_seconds"] < 35


@pytest.fixture
def metrics_url() -> Iterator[str]:
    """The address of the metrics of a server on a free port."""
    server = metrics.serve(0)
    yield f"http://127.0.0.1:{server.server_port}/metrics"
    server.shutdown()
    server.server_close()


@pytest.mark.django_db(transaction=True)
def test_scrape_over_http_leaves_no_connection_open(metrics_url: str) -> None:
    factories.make_ticket()
    before = count_connections()

    answers = [httpx.get(metrics_url, trust_env=False) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200] * 3
    assert 'releve_tickets_waiting{language="en"} 1.0' in answers[0].text
    assert count_connections() == before


def count_connections() -> int:
    """Count the connections to this database. A closed one takes the server a moment to end."""
    time.sleep(0.3)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
        return int(cursor.fetchone()[0])


def test_failed_scrape_answers_500_and_quotes_nothing(
    metrics_url: str, monkeypatch: Any, caplog: Any, capfd: Any
) -> None:
    def lost() -> None:
        raise OperationalError("secret")

    monkeypatch.setattr(clock, "now", lost)

    answer = httpx.get(metrics_url, trust_env=False)

    assert answer.status_code == 500
    assert "metrics: scrape failed (OperationalError)" in caplog.text
    printed = capfd.readouterr()
    assert "secret" not in answer.text + caplog.text + printed.out + printed.err


def test_successful_scrape_is_not_logged(
    monkeypatch: Any, metrics_url: str, caplog: Any, capfd: Any
) -> None:
    monkeypatch.setattr(metrics, "read_metrics", lambda *, at: iter(()))
    caplog.set_level("INFO", logger="dispatch")

    assert httpx.get(metrics_url, trust_env=False).status_code == 200

    assert [record for record in caplog.records if record.name != "httpx"] == []
    assert '"GET /metrics' not in capfd.readouterr().err


def test_taken_port_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        metrics.serve(taken.getsockname()[1])


def make_delayed_offer(seconds: float) -> Offer:
    """Make an offer sent a minute ago for a ticket that had waited this long."""
    offer = factories.make_offer(factories.make_ticket(), factories.make_agent())
    sent_at = clock.now() - timedelta(minutes=1)
    Offer.objects.filter(pk=offer.pk).update(sent_at=sent_at)
    queued_at = sent_at - timedelta(seconds=seconds)
    Ticket.objects.filter(pk=offer.ticket_id).update(queued_at=queued_at)
    return offer


@pytest.fixture
def counted_until_an_hour_ago() -> None:
    """Offers of the last hour are not counted yet."""
    counts = [0] * (len(first_offer_latency.BUCKETS) + 1)
    MatchLatency.objects.create(counted_to=clock.now() - timedelta(hours=1), counts=counts)


@pytest.mark.usefixtures("counted_until_an_hour_ago")
def test_wait_for_a_first_offer_is_counted_once() -> None:
    for seconds in (0.01, 0.07, 0.07, 1000):
        make_delayed_offer(seconds)

    first_offer_latency.count(at=clock.now())
    first_offer_latency.count(at=clock.now())

    figures = scrape()
    bucket = "releve_match_latency_seconds_bucket"
    assert [figures[bucket, le] for le in ("0.025", "0.05", "0.1", "180.0", "+Inf")] == [
        1, 1, 3, 3, 4,
    ]  # fmt: skip
    assert figures["releve_match_latency_seconds_count"] == 4
    assert figures["releve_match_latency_seconds_sum"] == pytest.approx(1000.15)


@pytest.mark.usefixtures("counted_until_an_hour_ago")
def test_second_offer_of_a_ticket_is_not_counted() -> None:
    first = make_delayed_offer(0.01)
    Offer.objects.filter(pk=first.pk).update(status="declined", settled_at=clock.now())
    again = factories.make_offer(first.ticket, factories.make_agent())
    Offer.objects.filter(pk=again.pk).update(sent_at=clock.now() - timedelta(seconds=50))

    first_offer_latency.count(at=clock.now())

    assert sum(MatchLatency.objects.get().counts) == 1


@pytest.mark.usefixtures("counted_until_an_hour_ago")
def test_offer_sent_just_now_is_counted_later() -> None:
    factories.make_offer()
    now = clock.now()

    first_offer_latency.count(at=now)
    before = sum(MatchLatency.objects.get().counts)
    first_offer_latency.count(at=now + 2 * first_offer_latency.SETTLED)

    assert before == 0
    assert sum(MatchLatency.objects.get().counts) == 1
