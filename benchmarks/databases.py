"""Databases to measure on: filled once, copied in a moment, with Django moved between them."""

import os
from collections.abc import Callable
from typing import TypeVar

import psycopg
import redis
from django.core.management import call_command
from django.db import connection
from psycopg.conninfo import make_conninfo

Answer = TypeVar("Answer")


def address(name: str) -> str:
    return make_conninfo(os.environ["DATABASE_URL"], dbname=name)


def create(name: str, *, like: str = "template1") -> None:
    """Anew, as a copy. Whoever was connected to the old one is thrown out."""
    use("postgres")
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as server:
        server.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        server.execute(f"CREATE DATABASE {name} TEMPLATE {like} STRATEGY FILE_COPY")


def prepare(name: str, fill: Callable[[], Answer]) -> Answer:
    """A database with the product's tables, filled, swept and counted: the one that is copied."""
    create(name)
    use(name)
    call_command("migrate", verbosity=0)
    answer = fill()
    use("postgres")
    run(name, "VACUUM ANALYZE")
    return answer


def use(name: str) -> None:
    """Django's connection goes to this database from now on."""
    connection.close()
    connection.settings_dict["NAME"] = name


def run(name: str, *statements: str) -> None:
    """Each on its own, so that VACUUM may be among them."""
    with psycopg.connect(address(name), autocommit=True) as database:
        for statement in statements:
            database.execute(statement)


def forget_hints() -> None:
    """Empty Valkey of what the system before has left."""
    with redis.Redis.from_url(os.environ["REDIS_URL"]) as server:
        server.flushall()
