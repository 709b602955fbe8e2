"""Prometheus metrics, read from PostgreSQL at each scrape, so every process gives the same answer.

Each metric costs one query on an index. No label names a person.
"""

import logging
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import accumulate
from wsgiref.simple_server import WSGIServer

from django.db import connection
from django.db.models import Count, Min
from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from dispatch.models import Assignment, MatchLatency, Offer, SchedulerHeartbeat
from dispatch.operations import audit, connections, first_offer_latency
from tickets import clock
from tickets.models import Ticket, WebhookDelivery

logger = logging.getLogger(__name__)


class ScrapeFailed(Exception):
    """The metrics could not be read. The log names the cause by its type only."""


class DatabaseCollector:
    """The metrics of one scrape. Each scrape has a thread and a database connection of its own."""

    def collect(self) -> Iterator[Metric]:
        try:
            yield from read_metrics(at=clock.now())
        except Exception as broken:
            # The server prints a traceback. An exception of the database may quote a row, so the
            # traceback must not show it.
            logger.warning("metrics: scrape failed (%s)", type(broken).__name__)
            raise ScrapeFailed(type(broken).__name__) from None
        finally:
            # The thread ends with the scrape: its connection would stay open.
            connection.close()


def serve(port: int, *, address: str = "127.0.0.1") -> WSGIServer:
    """Answer scrapes on this port from a thread. Raises OSError when the port is taken."""
    registry = CollectorRegistry()
    registry.register(DatabaseCollector())
    server, _thread = start_http_server(port, address, registry)
    return server


def read_metrics(*, at: datetime) -> Iterator[Metric]:
    yield from read_waiting(at=at)
    yield build_gauge("releve_offers_in_flight", "Pending offers.", read_pending())
    yield from read_first_offers()
    yield CounterMetricFamily(
        "releve_lease_losses", "Conversations whose agent was lost.", value=read_losses()
    )
    yield from read_heartbeat(at=at)
    yield build_gauge("releve_open_sockets", "Open WebSockets.", connections.count_open(at=at))
    yield from read_breaches()
    yield from read_events(at=at)


def build_gauge(name: str, meaning: str, value: float) -> Metric:
    return GaugeMetricFamily(name, meaning, value=value)


def build_labelled_gauge(
    name: str, meaning: str, label: str, values: Iterable[tuple[str, float]]
) -> Metric:
    family = GaugeMetricFamily(name, meaning, labels=[label])
    for key, value in values:
        family.add_metric([key], value)
    return family


def read_waiting(*, at: datetime) -> Iterator[Metric]:
    rows = list(
        Ticket.objects.queued()
        .order_by("language")
        .values_list("language")
        .annotate(Count("pk"), Min("queued_at"))
    )
    counts = [(language, float(count)) for language, count, _first in rows]
    yield build_labelled_gauge("releve_tickets_waiting", "Queued tickets.", "language", counts)
    longest = max((to_seconds(at - first) for _language, _count, first in rows), default=0.0)
    yield build_gauge(
        "releve_longest_wait_seconds", "How long the first ticket in the queue has waited.", longest
    )


def read_pending() -> int:
    return Offer.objects.pending().count()


def read_first_offers() -> Iterator[Metric]:
    """The histogram is empty until the scheduler has begun to count."""
    if kept := MatchLatency.objects.first():
        bounds = [*map(str, first_offer_latency.BUCKETS), "+Inf"]
        buckets = zip(bounds, map(float, accumulate(kept.counts)), strict=True)
        yield HistogramMetricFamily(
            "releve_match_latency_seconds",
            "From a ticket's arrival to its first offer; counted half a minute later.",
            buckets=list(buckets),
            sum_value=kept.seconds,
        )


def read_losses() -> int:
    return Assignment.objects.filter(ending=Assignment.Ending.LOST).count()


def read_heartbeat(*, at: datetime) -> Iterator[Metric]:
    """The gauges are empty before the first tick, so an alert must also fire on absence."""
    if beat := SchedulerHeartbeat.objects.first():
        yield build_gauge(
            "releve_scheduler_lag_seconds",
            "How far the scheduler is behind.",
            measure_lag(beat, at=at),
        )
        took = beat.took_ms / 1000
        yield build_gauge("releve_scheduler_tick_seconds", "How long its last tick took.", took)


def measure_lag(beat: SchedulerHeartbeat, *, at: datetime) -> float:
    """Return in seconds how far the scheduler is behind: silent, or late with its last tick."""
    return max(to_seconds(at - beat.beat_at), beat.lag_ms / 1000)


def read_breaches() -> Iterator[Metric]:
    """The findings of the last audit. An invariant without findings is named with zero."""
    found = audit.count_findings()
    counts = [(name, float(found.get(name, 0))) for name in audit.INVARIANTS]
    yield build_labelled_gauge(
        "releve_audit_breaches", "Rows that break an invariant.", "invariant", counts
    )
    if last := audit.get_last_run():
        moment = last.at.timestamp()
        yield build_gauge("releve_audit_timestamp_seconds", "When the last audit began.", moment)


def read_events(*, at: datetime) -> Iterator[Metric]:
    dead = WebhookDelivery.objects.filter(dead_at__isnull=False).count()
    yield build_gauge("releve_webhook_dead_letters", "Events given up after three days.", dead)
    age = measure_oldest_untried(at=at)
    yield build_gauge(
        "releve_oldest_unsent_event_seconds",
        "Age of the oldest untried event.",
        age,
    )


def measure_oldest_untried(*, at: datetime) -> float:
    """Return in seconds how long the oldest event has waited for its first attempt."""
    untried = WebhookDelivery.objects.untried(at=at).order_by("next_attempt_at")
    first = untried.values_list("next_attempt_at", flat=True).first()
    return to_seconds(at - first) if first else 0.0


def to_seconds(span: timedelta) -> float:
    return max(round(span.total_seconds(), 3), 0.0)
