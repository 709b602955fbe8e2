"""API keys: shown once, kept as a hash, refused once revoked."""

import time
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError
from django.test import Client as Http

from tests import factories
from tickets import auth
from tickets.models import ApiKey, IdempotencyKey

pytestmark = pytest.mark.django_db


def test_a_key_is_long_and_random_and_never_stored() -> None:
    client = factories.make_client()

    key, other = auth.issue(client, name="bot"), auth.issue(client, name="bot")

    kept = ApiKey.objects.get(prefix=key[:11])
    assert len(key.split("_", 2)[2]) >= 43
    assert key != other
    assert key not in str([getattr(kept, field.name) for field in ApiKey._meta.fields])


def test_a_key_is_shown_by_its_prefix_only() -> None:
    key = factories.make_key(factories.make_client())

    assert str(ApiKey.objects.get()) == f"{key[:11]}…"


def test_a_second_revocation_keeps_the_first_time(noon: datetime) -> None:
    factories.make_key(factories.make_client())
    auth.revoke(ApiKey.objects.get(), at=noon)

    auth.revoke(ApiKey.objects.get(), at=noon + timedelta(days=1))

    assert ApiKey.objects.get().revoked_at == noon


def test_a_revoked_key_is_refused_at_once_where_it_was_revoked(api: Any, noon: datetime) -> None:
    assert api.escalate().status_code == 201

    auth.revoke(ApiKey.objects.get(), at=noon)

    assert api.escalate().status_code == 401


def test_a_key_revoked_elsewhere_is_refused_within_seconds(
    api: Any, noon: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auth, "CACHED_SECONDS", 0.2)
    assert api.escalate().status_code == 201

    ApiKey.objects.update(revoked_at=noon)
    time.sleep(0.3)

    assert api.escalate().status_code == 401


def test_a_cached_key_is_accepted_only_with_its_whole_secret(api: Any) -> None:
    ticket = api.escalate().json()["ticket"]

    forged = Http(headers={"authorization": f"Bearer {api.key[:-1]}{'AB'[api.key[-1] == 'A']}"})

    assert forged.get(f"/api/v1/tickets/{ticket}").status_code == 401


def test_the_database_refuses_two_answers_to_one_idempotency_key() -> None:
    client = factories.make_client()
    answer = {"client": client, "key": "1", "fingerprint": "a", "status": 201, "body": {}}
    IdempotencyKey.objects.create(**answer)

    with pytest.raises(IntegrityError, match="one_answer_per_key"):
        IdempotencyKey.objects.create(**answer)
