"""Sockets: how many pages are on a live line. Only who holds them knows, and so tells."""

from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Sum

from dispatch import sql
from dispatch.models import LiveServer
from dispatch.models.operations import get_host_and_pid

#: A live server that said nothing for this long is gone; its pages beat every ten seconds.
GONE = timedelta(seconds=30)

REPORT_SQL = sql.read(__package__, "report_connections")


def report(held: int, *, at: datetime) -> None:
    """This process holds so many open sockets now."""
    with connection.cursor() as cursor:
        cursor.execute(REPORT_SQL, {"name": get_host_and_pid(), "sockets": held, "at": at})


def total(*, at: datetime) -> int:
    """How many are open on all live servers together."""
    alive = LiveServer.objects.filter(seen_at__gt=at - GONE)
    return alive.aggregate(all=Sum("sockets"))["all"] or 0
