"""Fixtures for all tests: a moment, a signed API, an empty cache, a real webhook receiver, the
platform's real processes."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
import structlog
from django.core.cache import cache
from django.db import connection
from django.db.models.signals import post_migrate
from django.dispatch import receiver as on
from django.test import Client as Http
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from config import celery_app
from config import settings as product
from dispatch.models import PolicyVersion
from dispatch.waits import estimator_cache
from tests import factories
from tests import platform as platforms
from tests.platform import Platform
from tests.receiver import Receiver, run_receiver
from tickets.models import Client

# A failing example is printed and not stored in the checkout. Slow runs are no failures.
hypothesis_settings.register_profile(
    "checkout", database=None, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
hypothesis_settings.load_profile("checkout")

# Caching is off, because a test that captures output replaces the stream.
structlog.configure(**structlog.get_config() | {"cache_logger_on_first_use": False})


#: The policies that the migrations created.
POLICIES: list[PolicyVersion] = []


@on(post_migrate)
def _policies(sender: Any, **_: Any) -> None:
    """Restore the policies after a flush, as in a migrated database."""
    if sender.name == "dispatch" and not POLICIES:
        POLICIES.extend(PolicyVersion.objects.order_by("version"))
    elif sender.name == "dispatch" and not PolicyVersion.objects.exists():
        PolicyVersion.objects.bulk_create(POLICIES)


@pytest.fixture(autouse=True)
def _empty_cache() -> None:
    """Empty the cache, because a test must not see the waits, skills and handle times of
    another."""
    cache.clear()
    estimator_cache.forget()


@pytest.fixture
def noon() -> datetime:
    return datetime(2026, 11, 29, 12, 0, tzinfo=UTC)


class Api:
    """The bot of a client: JSON in, JSON out, authenticated with its key."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.key = factories.make_key(client)
        self.http = Http(headers={"authorization": f"Bearer {self.key}"})

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        """`body`: a value to send as JSON, or raw bytes."""
        written = body if isinstance(body, bytes) else json.dumps(body).encode()
        kind = headers.pop("content_type", "application/json")
        headers["content-type"] = kind
        return self.http.post(f"/api/v1/{path}", written, content_type=kind, headers=headers)

    def get(self, path: str, **given: Any) -> Any:
        return self.http.get(f"/api/v1/{path}", given)

    def escalate(self, body: Any = None, *, key: str | None = None, **given: Any) -> Any:
        """Escalate; `given` are fields of the escalation."""
        body = factories.escalation(**given) if body is None else body
        return self.post("escalations", body, **{"idempotency-key": key or str(uuid4())})


@pytest.fixture
def make_api() -> Callable[[Client], Api]:
    return Api


@pytest.fixture
def api(db: None) -> Api:
    """The bot of the first client."""
    return Api(factories.get_client())


@pytest.fixture
def hints_at_once(settings: Any) -> None:
    """Run the work hinted on commit at once, before the next line of the test."""
    settings.REALTIME_ENGINE = "tests.inline_engine.InlineEngine"


@pytest.fixture
def no_worker(settings: Any) -> Iterator[None]:
    """Send hints to Valkey without a worker, so that only the test's own calls compete."""
    settings.REALTIME_ENGINE = product.REALTIME_ENGINE
    eager = celery_app.conf.task_always_eager
    celery_app.conf.task_always_eager = False
    yield
    celery_app.conf.task_always_eager = eager


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    """A real HTTP server on this machine that stores its requests."""
    settings.WEBHOOK_ALLOW_PRIVATE = True
    with run_receiver() as made:
        yield made


@pytest.fixture(scope="session")
def started(django_db_setup: None) -> Iterator[Platform]:
    """The processes for all tests, because a start takes as long as several tests."""
    with platforms.run_platform(connection.settings_dict["NAME"]) as running:
        yield running


@pytest.fixture
def platform(started: Platform, transactional_db: None, settings: Any) -> Iterator[Platform]:
    # The processes check passwords with the product's own hashes.
    settings.PASSWORD_HASHERS = product.PASSWORD_HASHERS
    started.thaw()
    yield started
    started.freeze()
