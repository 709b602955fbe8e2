"""Counts open WebSockets. Each live server reports its own, because only it knows them."""

from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Sum

from dispatch import sql
from dispatch.models import LiveServer
from dispatch.models.operations import get_host_and_pid

#: A live server without a report for this long is gone; its pages send one every ten seconds.
GONE = timedelta(seconds=30)

REPORT_SQL = sql.read(__package__, "report_connections")


def report(held: int, *, at: datetime) -> None:
    """Save how many WebSockets this process holds."""
    with connection.cursor() as cursor:
        cursor.execute(REPORT_SQL, {"name": get_host_and_pid(), "sockets": held, "at": at})


def count_open(*, at: datetime) -> int:
    """Count the open WebSockets of all live servers."""
    alive = LiveServer.objects.filter(seen_at__gt=at - GONE)
    return alive.aggregate(all=Sum("sockets"))["all"] or 0
