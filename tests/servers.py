"""A PostgreSQL and a Valkey for the test session, and the Chromium of browser tests.

As a pytest plugin (`-p tests.servers`) it starts them before Django reads its settings; the workers
of pytest-xdist inherit their addresses. `python -m tests.servers manage.py ...` runs a single
command with them.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import psycopg
import pytest
import redis

from config import embedded
from config.up.preparing import compile_catalogs

CHROMIUM_NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "msedge"]


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None]:
    if "PYTEST_XDIST_WORKER" not in os.environ:
        # Importing `config` has set the real settings module, which would override pyproject's.
        os.environ.pop("DJANGO_SETTINGS_MODULE", None)
        compile_catalogs()
        servers = ExitStack()
        servers.enter_context(run_servers())
        early_config.add_cleanup(servers.close)
    return (yield)


@pytest.hookimpl(tryfirst=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more than the number of cores, because some tests mostly wait."""
    return (os.cpu_count() or 1) + 1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start the slowest tests first, so that quick ones run beside them."""
    items.sort(
        key=lambda item: not {"browser", "live"} & {mark.name for mark in item.iter_markers()}
    )


@contextmanager
def run_servers(*, forgetful: bool = True) -> Iterator[embedded.Place]:
    """Start both in a short temporary folder, put them into the environment, stop both.

    A forgetful PostgreSQL doesn't wait for the disk.
    """
    folder = Path(tempfile.mkdtemp(prefix="releve-", dir="/tmp"))
    place = embedded.Place(folder, folder / "run")
    try:
        embedded.prepare(place)
        with (
            run_server(embedded.postgres_command(place, volatile=forgetful), folder, signal.SIGINT),
            run_server(embedded.valkey_command(place), folder, signal.SIGTERM),
            set_addresses(place),
        ):
            await_both(place)
            yield place
    finally:
        shutil.rmtree(folder)


def await_both(place: embedded.Place) -> None:
    make = partial(embedded.make_database, place.database_url)
    embedded.retry(make, psycopg.OperationalError, seconds=30)
    ping = partial(embedded.ping, place.redis_url)
    embedded.retry(ping, redis.exceptions.RedisError, seconds=30)


@contextmanager
def run_server(command: list[str], folder: Path, farewell: signal.Signals) -> Iterator[None]:
    log = folder / f"{Path(command[0]).name}.log"
    with log.open("ab") as output:
        server = subprocess.Popen(
            command,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=embedded.die_with_parent(farewell),
            **embedded.popen_identity(),
        )
    try:
        yield
    finally:
        server.send_signal(farewell)
        server.wait(timeout=30)


@contextmanager
def set_addresses(place: embedded.Place) -> Iterator[None]:
    given = {"DATABASE_URL": place.database_url, "REDIS_URL": place.redis_url}
    before = {name: os.environ.get(name) for name in given}
    os.environ.update(given)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.__setitem__(name, value)


def find_chromium() -> str:
    """The path of the browser's program. Without one, the test is skipped with a hint to install
    it."""
    found = next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
    if not found:
        pytest.skip("no Chromium: install one (on Debian: apt-get install chromium)")
    return found


if __name__ == "__main__":
    with run_servers():
        code = subprocess.call([sys.executable, *sys.argv[1:]])
    sys.exit(code)
