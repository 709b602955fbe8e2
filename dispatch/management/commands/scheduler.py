"""`manage.py scheduler`: runs the scheduler. Any number may run; one leads, the others stand by.

Work that may take longer than a tick has a thread of its own. These threads run in every
scheduler, also in those that stand by: each of their functions may run any number of times at once.
"""

import logging
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

# Loaded now, or the first wave would wait for it.
import scipy.optimize
import scipy.special  # noqa: F401
from django.core.management.base import BaseCommand, CommandParser
from django.db import DatabaseError, connection

from dispatch import scheduler
from dispatch.management.arguments import number
from dispatch.models.operations import get_host_and_pid
from dispatch.operations import audit, first_offer_latency, metrics
from tickets import clock
from tickets.events import outbox

logger = logging.getLogger(__name__)

#: Name, seconds between two rounds, what a round does.
BACKGROUND_JOBS: list[tuple[str, float, Callable[[], object]]] = [
    ("webhooks", 2, outbox.send_missed),
    ("latency", 10, lambda: first_offer_latency.count(at=clock.now())),
    ("audit", 15, lambda: audit.run_when_due(at=clock.now())),
]


class Command(BaseCommand):
    help = "Does whatever falls due, once a second, whether or not Celery runs."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--every",
            type=number(float, least=0.05, most=9.9),
            default=1.0,
            help="seconds between ticks, below ten",
        )
        parser.add_argument(
            "--metrics-port",
            type=number(int, least=1, most=65_535),
            help="answer /metrics here, on the loopback only",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        stop = threading.Event()
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: stop.set())
        if options["metrics_port"]:
            serve_metrics(options["metrics_port"])
        for part in BACKGROUND_JOBS:
            threading.Thread(target=repeat, args=(stop, *part), daemon=True).start()
        run_ticks(stop, every=options["every"])


def run_ticks(stop: threading.Event, *, every: float) -> None:
    """Tick while leading; a lost database costs the lead and is asked for again."""
    due, led = time.monotonic(), None
    while not stop.is_set():
        started = time.monotonic()
        try:
            leads = scheduler.lead()
            if leads != led:
                logger.info("scheduler: %s", "leads" if leads else "stands by")
            if leads:
                run_tick(lag=started - due)
            led = leads
        except DatabaseError as broken:
            logger.warning("scheduler: no database (%s)", type(broken).__name__)
            connection.close()
            led = None
        due = started + every
        stop.wait(max(due - time.monotonic(), 0.05))


def run_tick(*, lag: float) -> None:
    """One tick, and the heartbeat that tells of it. `lag`: how late it began, in seconds."""
    started = time.monotonic()
    if done := scheduler.tick():
        logger.info("scheduler: %s", ", ".join(f"{count} {what}" for what, count in done.items()))
    took = time.monotonic() - started
    scheduler.beat(leader=get_host_and_pid(), lag_ms=milliseconds(lag), took_ms=milliseconds(took))


def milliseconds(seconds: float) -> int:
    return max(round(seconds * 1000), 0)


def repeat(stop: threading.Event, name: str, every: float, verb: Callable[[], object]) -> None:
    """Again and again, whatever goes wrong."""
    while not stop.wait(every):
        try:
            verb()
        except DatabaseError as broken:
            logger.warning("%s: no database (%s)", name, type(broken).__name__)
            connection.close()
        except Exception:
            logger.exception("%s: failed", name)


def serve_metrics(port: int) -> None:
    """A second scheduler on this host finds the port taken, and does without."""
    try:
        metrics.serve(port)
    except OSError as taken:
        logger.warning("no metrics on port %d: %s", port, taken.strerror)
