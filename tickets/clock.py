"""The database's clock, used for all deadlines, because the clocks of app hosts may differ."""

from datetime import datetime

from django.db import connection


def now() -> datetime:
    """Read the database's time. Edges call this and pass the result down as `at`."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        row = cursor.fetchone()
    moment: datetime = row[0]
    return moment
