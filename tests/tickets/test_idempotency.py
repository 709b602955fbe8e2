"""Idempotency keys: an effect and its key exist together or not at all."""

import hashlib
from datetime import datetime
from typing import Any

import psycopg
import pytest
from django.db import connection

from tests import factories
from tickets import idempotency
from tickets.errors import KeyBusy, KeyReused, TicketClosed
from tickets.models import Client, IdempotencyKey

pytestmark = pytest.mark.django_db


def run(at: datetime) -> tuple[int, dict[str, Any]]:
    return 201, {"made": IdempotencyKey.objects.count()}


def once(client: Client, *, payload: bytes = b"{}", key: str = "1") -> idempotency.Outcome:
    return idempotency.once(client, key=key, payload=payload, run=run)


def test_the_first_answer_is_kept_and_given_again() -> None:
    client = factories.make_client()

    first, again = once(client), once(client)

    assert (first.status, first.body, first.replayed) == (201, {"made": 0}, False)
    assert (again.status, again.body, again.replayed) == (201, {"made": 0}, True)


def test_what_was_asked_is_kept_as_a_fingerprint_only() -> None:
    once(factories.make_client(), payload=b'{"name": "Mia"}')

    kept = IdempotencyKey.objects.get()
    assert kept.fingerprint == hashlib.sha256(b'{"name": "Mia"}').hexdigest()


def test_another_payload_under_the_same_key_is_refused() -> None:
    client = factories.make_client()
    once(client)

    with pytest.raises(KeyReused):
        once(client, payload=b"{ }")


def test_a_refused_effect_leaves_the_key_free() -> None:
    client = factories.make_client()

    def refuse(at: datetime) -> tuple[int, dict[str, Any]]:
        raise TicketClosed

    with pytest.raises(TicketClosed):
        idempotency.once(client, key="1", payload=b"{}", run=refuse)

    assert not once(client).replayed


def test_a_key_that_is_in_use_elsewhere_is_busy() -> None:
    client = factories.make_client()
    given = connection.settings_dict

    with psycopg.connect(dbname=given["NAME"], user=given["USER"], host=given["HOST"]) as elsewhere:
        hold = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"
        elsewhere.execute(hold, [f"{client.pk}:1"])

        with pytest.raises(KeyBusy):
            once(client)
        assert once(client, key="2").status == 201
