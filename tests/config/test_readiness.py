"""Readiness: its checks, and an answer within a second even if a server is frozen."""

import signal
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from datetime import timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import redis
from django.db import OperationalError, connection
from django.test import Client as Http

from config import embedded, readiness
from dispatch import scheduler
from dispatch.models import SchedulerHeartbeat
from tests import factories
from tests.servers import run_server
from tickets import clock
from tickets.models import WebhookDelivery


@pytest.fixture
def inline_check(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs the database check on this thread, because only its connection sees the test's rows."""
    monkeypatch.setattr(readiness, "DATABASE", CheckOnThisThread(readiness.check_database))
    monkeypatch.setattr(connection, "close", lambda: None)


class CheckOnThisThread(readiness.ReadinessCheck):
    def ask(self) -> "Future[readiness.Checks]":
        answer: Future[readiness.Checks] = Future()
        self._answer(answer)
        return answer


@pytest.fixture
def frozen_server() -> Iterator[Path]:
    """A server that accepts connections and never answers."""
    with TemporaryDirectory(dir="/tmp") as folder, socket.socket(socket.AF_UNIX) as server:
        path = Path(folder, ".s.PGSQL.5432")
        server.bind(str(path))
        server.listen(50)
        yield path


@pytest.fixture
def full_valkey() -> Iterator[str]:
    """The address of a Valkey that answers and refuses writes."""
    with TemporaryDirectory(prefix="releve-", dir="/tmp") as folder:
        Path(folder).chmod(0o711)
        place = embedded.Place(Path(folder, "servers"), Path(folder, "servers", "run"))
        embedded.prepare(place, database=False)
        command = [*embedded.valkey_command(place), "--maxmemory", "1"]
        with run_server(command, Path(folder), signal.SIGTERM):
            ping = partial(embedded.ping, place.redis_url)
            embedded.retry(ping, redis.exceptions.RedisError, seconds=30)
            yield place.redis_url


def read_readyz() -> tuple[int, dict[str, Any]]:
    answer = Http().get("/readyz")
    return answer.status_code, answer.json()


@pytest.mark.django_db
def test_the_installation_is_ready_when_every_check_holds(inline_check: None) -> None:
    scheduler.beat(leader="a:1", lag_ms=3, took_ms=5)

    status, said = read_readyz()

    lag = said["checks"]["scheduler"].pop("lag_s")
    assert 0 <= lag < 5
    assert (status, said) == (
        200,
        {
            "ready": True,
            "checks": {
                "postgresql": {"ok": True},
                "valkey": {"ok": True},
                "scheduler": {"ok": True},
                "events": {"ok": True, "oldest_unsent_s": 0.0},
            },
        },
    )


@pytest.mark.django_db
def test_a_missing_heartbeat_is_not_ready(inline_check: None) -> None:
    status, said = read_readyz()

    assert status == 503
    assert said["checks"]["scheduler"] == {"ok": False, "lag_s": None}


@pytest.mark.django_db
@pytest.mark.parametrize(("silent", "late_ms"), [(11, 0), (0, 11_000)])
def test_a_scheduler_ten_seconds_late_is_not_ready(
    inline_check: None, silent: int, late_ms: int
) -> None:
    scheduler.beat(leader="a:1", lag_ms=late_ms, took_ms=5)
    SchedulerHeartbeat.objects.update(beat_at=clock.now() - timedelta(seconds=silent))

    status, said = read_readyz()

    assert (status, said["checks"]["scheduler"]["ok"]) == (503, False)


@pytest.mark.django_db
def test_an_event_without_an_attempt_for_a_minute_is_not_ready(inline_check: None) -> None:
    scheduler.beat(leader="a:1", lag_ms=3, took_ms=5)
    make_delivery(attempts=0)

    status, said = read_readyz()

    assert (status, said["checks"]["events"]["ok"]) == (503, False)
    assert 61 <= said["checks"]["events"]["oldest_unsent_s"] < 70


@pytest.mark.django_db
def test_an_endpoint_that_is_down_stays_ready(inline_check: None) -> None:
    scheduler.beat(leader="a:1", lag_ms=3, took_ms=5)
    tried = make_delivery(attempts=4)
    make_delivery(attempts=0, version=2, like=tried)
    make_delivery(attempts=0, version=1, like=tried, ticket=factories.make_ticket())

    assert read_readyz()[0] == 200


def make_delivery(
    *, attempts: int, version: int = 1, like: WebhookDelivery | None = None, ticket: Any = None
) -> WebhookDelivery:
    due = clock.now() - timedelta(seconds=61)
    return WebhookDelivery.objects.create(
        endpoint=like.endpoint if like else factories.make_endpoint(),
        ticket=ticket or (like.ticket if like else factories.make_ticket()),
        type="message.created",
        version=version,
        payload={},
        attempts=attempts,
        created_at=due,
        next_attempt_at=due,
    )


@pytest.mark.django_db
def test_a_full_valkey_is_not_ready(inline_check: None, full_valkey: str, settings: Any) -> None:
    settings.REDIS_URL = full_valkey

    status, said = read_readyz()

    assert status == 503
    assert said["checks"]["valkey"] == {"ok": False, "error": "OutOfMemoryError"}


@pytest.mark.django_db
def test_a_frozen_valkey_is_reported_within_a_second(
    inline_check: None, frozen_server: Path, settings: Any
) -> None:
    scheduler.beat(leader="a:1", lag_ms=3, took_ms=5)
    settings.REDIS_URL = f"unix://{frozen_server}"
    began = time.monotonic()

    status, said = read_readyz()

    assert time.monotonic() - began < 1.2
    assert status == 503
    assert {name for name, check in said["checks"].items() if not check["ok"]} == {"valkey"}


def test_a_frozen_postgresql_is_reported_within_a_second_and_blocks_one_thread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    thaw, looks = threading.Event(), []

    def freeze() -> readiness.Checks:
        looks.append(1)
        thaw.wait(10)
        raise OperationalError

    monkeypatch.setattr(readiness, "DATABASE", readiness.ReadinessCheck(freeze))
    began = time.monotonic()

    said = [read_readyz() for _ in range(2)]
    took = time.monotonic() - began
    thaw.set()

    assert took < 2.4
    assert [status for status, _said in said] == [503, 503]
    assert said[0][1]["checks"]["postgresql"] == {"ok": False, "error": "TimeoutError"}
    assert said[0][1]["checks"]["scheduler"] == {"ok": False}
    assert len(looks) == 1


def test_the_readiness_page_hides_addresses_and_is_not_cached(
    frozen_server: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused() -> readiness.Checks:
        raise OperationalError("connection to host secret.example failed: password=secret")

    monkeypatch.setattr(readiness, "DATABASE", readiness.ReadinessCheck(refused))
    settings.REDIS_URL = "redis://:secret@127.0.0.1:1/0"

    answer = Http().get("/readyz")

    assert b"secret" not in answer.content
    assert answer.headers["Cache-Control"] == "no-store"


def test_both_health_checks_answer_without_tls(settings: Any) -> None:
    settings.SECURE_SSL_REDIRECT = True

    assert Http().get("/healthz").status_code == 200
    assert settings.SECURE_REDIRECT_EXEMPT == [r"^healthz$", r"^readyz$"]
