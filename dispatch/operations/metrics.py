"""Metrics for Prometheus, read from PostgreSQL at each scrape: right whichever process is asked.

One query each, on an index. Nothing here names a person.
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
    yield from waiting(at=at)
    yield gauge("releve_offers_in_flight", "Offers nobody answered yet.", pending())
    yield from first_offers()
    yield CounterMetricFamily(
        "releve_lease_losses", "Conversations whose agent was lost.", value=losses()
    )
    yield from heartbeat(at=at)
    yield gauge("releve_open_sockets", "Pages on a live line.", connections.total(at=at))
    yield from breaches()
    yield from events(at=at)


def gauge(name: str, meaning: str, value: float) -> Metric:
    return GaugeMetricFamily(name, meaning, value=value)


def labelled(name: str, meaning: str, label: str, values: Iterable[tuple[str, float]]) -> Metric:
    family = GaugeMetricFamily(name, meaning, labels=[label])
    for key, value in values:
        family.add_metric([key], value)
    return family


def waiting(*, at: datetime) -> Iterator[Metric]:
    rows = list(
        Ticket.objects.queued()
        .order_by("language")
        .values_list("language")
        .annotate(Count("pk"), Min("queued_at"))
    )
    counts = [(language, float(count)) for language, count, _first in rows]
    yield labelled("releve_tickets_waiting", "Tickets that wait.", "language", counts)
    longest = max((seconds(at - first) for _language, _count, first in rows), default=0.0)
    yield gauge("releve_longest_wait_seconds", "How long the first in line has waited.", longest)


def pending() -> int:
    return Offer.objects.pending().count()


def first_offers() -> Iterator[Metric]:
    """Empty until the scheduler has begun to count."""
    if kept := MatchLatency.objects.first():
        bounds = [*map(str, first_offer_latency.BUCKETS), "+Inf"]
        buckets = zip(bounds, map(float, accumulate(kept.counts)), strict=True)
        yield HistogramMetricFamily(
            "releve_match_latency_seconds",
            "From a ticket's arrival to its first offer; counted half a minute later.",
            buckets=list(buckets),
            sum_value=kept.seconds,
        )


def losses() -> int:
    return Assignment.objects.filter(ending=Assignment.Ending.LOST).count()


def heartbeat(*, at: datetime) -> Iterator[Metric]:
    """Empty before the first tick, so an alert must also fire on absence."""
    if beat := SchedulerHeartbeat.objects.first():
        yield gauge(
            "releve_scheduler_lag_seconds", "How far the scheduler is behind.", lag(beat, at=at)
        )
        took = beat.took_ms / 1000
        yield gauge("releve_scheduler_tick_seconds", "How long its last tick took.", took)


def lag(beat: SchedulerHeartbeat, *, at: datetime) -> float:
    """How far the scheduler is behind in seconds: silent, or late with its last tick."""
    return max(seconds(at - beat.beat_at), beat.lag_ms / 1000)


def breaches() -> Iterator[Metric]:
    """Of the last audit, every invariant named."""
    found = audit.standing()
    counts = [(name, float(found.get(name, 0))) for name in audit.INVARIANTS]
    yield labelled("releve_audit_breaches", "Rows that break an invariant.", "invariant", counts)
    if last := audit.last_run():
        moment = last.at.timestamp()
        yield gauge("releve_audit_timestamp_seconds", "When the last audit began.", moment)


def events(*, at: datetime) -> Iterator[Metric]:
    dead = WebhookDelivery.objects.filter(dead_at__isnull=False).count()
    yield gauge("releve_webhook_dead_letters", "News given up after three days.", dead)
    age = oldest_untried(at=at)
    yield gauge("releve_oldest_unsent_event_seconds", "Age of news nobody tried to send.", age)


def oldest_untried(*, at: datetime) -> float:
    """How long the oldest news has waited for its first attempt, in seconds."""
    untried = WebhookDelivery.objects.untried(at=at).order_by("next_attempt_at")
    first = untried.values_list("next_attempt_at", flat=True).first()
    return seconds(at - first) if first else 0.0


def seconds(span: timedelta) -> float:
    return max(round(span.total_seconds(), 3), 0.0)
