"""Checks before the start. Each refusal says what to do."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import redis

from config.embedded import Trouble
from config.up import processes

LEAST_FREE_BYTES = 200_000_000
FULL_BYTES = 10_000_000


def check_port() -> int:
    """The requested public port, checked to be free."""
    asked = os.environ.get("PORT") or "8000"
    if not asked.isdecimal() or not 0 < int(asked) < 65536:
        raise Trouble(f"PORT is {asked!r}: give a number from 1 to 65535, for example PORT=8123.")
    try:
        taken = processes.is_taken(int(asked))
    except PermissionError:
        raise Trouble(
            f"Port {asked} is for root only: choose one from 1024, for example PORT=8123."
        ) from None
    if taken:
        raise Trouble(
            f"Port {asked} is in use: stop what uses it, or choose another one,"
            " for example `PORT=8123 make up`."
        )
    return int(asked)


def check_room(folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if free < LEAST_FREE_BYTES:
        raise Trouble(
            f"The disk is full: {folder} has {free // 10**6} MB free and Relève needs"
            f" {LEAST_FREE_BYTES // 10**6} MB; make room and run this again."
        )


def is_full(folder: Path) -> bool:
    return folder.exists() and shutil.disk_usage(folder).free < FULL_BYTES


@contextmanager
def hold_lock(folder: Path) -> Iterator[None]:
    """Hold this checkout's lock. The kernel releases it if the process is killed."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder / "up.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Trouble(
                f"Relève already runs from this folder (process {read_holder(folder)}):"
                f" use that one, or stop it with `kill {read_holder(folder)}`."
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def find_running(folder: Path) -> int | None:
    """The process id of this checkout's running platform, or None."""
    try:
        with hold_lock(folder):
            return None
    except Trouble:
        return read_holder(folder)


def read_holder(folder: Path) -> int:
    return int((folder / "up.lock").read_text())


def check_database(url: str) -> None:
    """Check that the PostgreSQL of DATABASE_URL answers."""
    try:
        psycopg.connect(url, connect_timeout=5).close()
    except psycopg.Error as trouble:
        raise Trouble(
            f"The PostgreSQL of DATABASE_URL does not answer ({one_line(trouble)}):"
            " start it or correct DATABASE_URL, or unset it to use the embedded one."
        ) from None


def check_broker(url: str) -> None:
    """Check that the Valkey or Redis of REDIS_URL answers."""
    try:
        with redis.Redis.from_url(url, socket_connect_timeout=5, socket_timeout=5) as client:
            client.ping()
    except (redis.exceptions.RedisError, ValueError) as trouble:
        raise Trouble(
            f"The Valkey of REDIS_URL does not answer ({one_line(trouble)}):"
            " start it or correct REDIS_URL, or unset it to use the embedded one."
        ) from None


def one_line(trouble: Exception) -> str:
    return " ".join(str(trouble).split())[:200]
