"""The one clock: the database's. App hosts may disagree; deadlines must not."""

from datetime import datetime

from django.db import connection


def now() -> datetime:
    """The database's time, read by edges and passed down as `at`."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        row = cursor.fetchone()
    moment: datetime = row[0]
    return moment
