"""Asserts that the database, not the code, refused."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from django.db import DatabaseError, connection, transaction


@contextmanager
def refused_by(constraint: str) -> Iterator[None]:
    """The block violates exactly this constraint, at once or at the end of its transaction."""
    with pytest.raises(DatabaseError) as refusal, transaction.atomic():  # noqa: PT012
        yield
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    cause = refusal.value.__cause__
    assert isinstance(cause, psycopg.Error)
    assert cause.diag.constraint_name == constraint
