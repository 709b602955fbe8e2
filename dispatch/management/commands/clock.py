"""`manage.py clock`: runs the clock. Any number may run; one leads, the others stand by."""

import logging
import signal
import threading
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import DatabaseError, connection

from dispatch import clock
from tickets import webhooks

logger = logging.getLogger(__name__)


class Command(BaseCommand):
    help = "Does whatever falls due, once a second, whether or not Celery runs."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--every", type=float, default=1.0, help="seconds between ticks")

    def handle(self, *args: Any, **options: Any) -> None:
        stop = threading.Event()
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: stop.set())
        sender = threading.Thread(target=deliver, args=(stop,), name="webhooks", daemon=True)
        sender.start()
        tell_time(stop, every=options["every"])


def tell_time(stop: threading.Event, *, every: float) -> None:
    """Tick while leading; a lost database costs the lead and is asked for again."""
    leading = False
    while not stop.is_set():
        started = time.monotonic()
        try:
            leading = leading or clock.lead()
            if leading and (done := clock.tick()):
                logger.info("clock: %s", ", ".join(f"{n} {what}" for what, n in done.items()))
            leading = leading and connection.is_usable()
        except DatabaseError as broken:
            logger.warning("clock: no database (%s)", type(broken).__name__)
            leading = False
        if not leading:
            connection.close()
        stop.wait(max(every - (time.monotonic() - started), 0.05))


def deliver(stop: threading.Event) -> None:
    """Send webhooks that nobody else has sent; slow receivers hold up only this thread."""
    while not stop.wait(2):
        try:
            webhooks.deliver_due(overdue_by=webhooks.LATE)
        except DatabaseError as broken:
            logger.warning("webhooks: no database (%s)", type(broken).__name__)
            connection.close()
