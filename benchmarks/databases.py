"""Databases for measurements: filled once, then copied for each run."""

import os
from collections.abc import Callable
from typing import TypeVar

import psycopg
import redis
from django.core.management import call_command
from django.db import connection
from psycopg.conninfo import make_conninfo

Answer = TypeVar("Answer")


def make_address(name: str) -> str:
    return make_conninfo(os.environ["DATABASE_URL"], dbname=name)


def create(name: str, *, like: str = "template1") -> None:
    """Create the database as a copy. Connections to the old one are closed."""
    use_database("postgres")
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as server:
        server.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        server.execute(f"CREATE DATABASE {name} TEMPLATE {like} STRATEGY FILE_COPY")


def prepare(name: str, fill: Callable[[], Answer]) -> Answer:
    """Create the template: a database with the product's tables, filled, vacuumed and analysed."""
    create(name)
    use_database(name)
    call_command("migrate", verbosity=0)
    answer = fill()
    use_database("postgres")
    run_statements(name, "VACUUM ANALYZE")
    return answer


def use_database(name: str) -> None:
    """Point Django's connection at this database."""
    connection.close()
    connection.settings_dict["NAME"] = name


def run_statements(name: str, *statements: str) -> None:
    """Run each statement on its own, because VACUUM allows no transaction."""
    with psycopg.connect(make_address(name), autocommit=True) as database:
        for statement in statements:
            database.execute(statement)


def forget_hints() -> None:
    """Empty Valkey of the previous system's hints."""
    with redis.Redis.from_url(os.environ["REDIS_URL"]) as server:
        server.flushall()
