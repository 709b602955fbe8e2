"""The real processes of the platform: logs, readiness and leadership."""

import json
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection

from config.up.processes import Process, python
from dispatch import offers
from dispatch.models import Offer, SchedulerHeartbeat
from tests import factories
from tests import platform as platforms
from tests.platform import Platform
from tickets import clock
from tickets.models import Message, WebhookAttempt

pytestmark = [pytest.mark.live, pytest.mark.django_db(transaction=True)]

CANARY = "zwitscher"
OURS = ("web", "live", "matcher", "worker", "scheduler")

REFUSE_MESSAGES = """
CREATE FUNCTION refuse_message() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'refused: %', NEW.text; END $$;
CREATE TRIGGER refuse_message BEFORE INSERT ON tickets_message
    FOR EACH ROW EXECUTE FUNCTION refuse_message();
"""
TAKE_MESSAGES = "DROP TRIGGER refuse_message ON tickets_message; DROP FUNCTION refuse_message();"


@pytest.fixture
def fresh() -> Iterator[Platform]:
    """A platform of this test only, whose processes may be killed."""
    with platforms.run_platform(connection.settings_dict["NAME"]) as running:
        yield running


def call(url: str, body: Any = None, **headers: str) -> tuple[int, str]:
    given = json.dumps(body).encode() if body is not None else None
    asked = urllib.request.Request(url, given, {"content-type": "application/json", **headers})
    try:
        with urllib.request.urlopen(asked, timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refusal:
        return refusal.code, refusal.read().decode()


def until(true: Callable[[], Any], *, seconds: float = 15) -> None:
    give_up = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < give_up
        time.sleep(0.1)


def leader() -> str:
    beat = SchedulerHeartbeat.objects.first()
    return beat.leader if beat else ""


def readiness(platform: Platform) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(call(f"{platform.url}/readyz")[1])
    return said


def test_a_killed_leader_is_replaced_within_two_ticks(fresh: Platform) -> None:
    fresh.known["other"] = Process("other", python("manage.py", "scheduler"))
    until(lambda: leader().endswith(f":{fresh.running['scheduler'].pid}"))
    fresh.start("other")
    until(lambda: "scheduler: stands by" in fresh.log("other"))

    fresh.kill("scheduler")
    killed = time.monotonic()
    until(lambda: leader().endswith(f":{fresh.running['other'].pid}"))

    assert time.monotonic() - killed < 3
    assert readiness(fresh)["ready"]


def test_metrics_are_served_on_the_loopback_only(platform: Platform) -> None:
    until(lambda: leader())

    status, figures = call(f"http://127.0.0.1:{platform.ports.metrics}/metrics")

    assert status == 200
    assert re.search(r"^releve_scheduler_lag_seconds \d", figures, re.MULTILINE)
    assert call(f"{platform.url}/metrics")[0] == 404


def test_no_log_holds_a_name_or_a_secret(fresh: Platform) -> None:
    api = factories.make_key(client := factories.make_client())
    endpoint = factories.make_endpoint(client, "http://127.0.0.1:1/hook")
    factories.make_card(client)
    factories.make_agent(f"Agent {CANARY}")
    signed = {"authorization": f"Bearer {api}"}

    escalation = factories.escalation(
        customer={"ref": CANARY, "name": f"Mia {CANARY}"},
        conversation_ref=f"{CANARY}-1",
        summary=CANARY,
        transcript=[{"role": "customer", "at": "2026-11-22T10:00:00Z", "text": CANARY}],
    )
    address = f"{fresh.url}/api/v1/escalations"
    key = {"idempotency-key": f"{CANARY}-{uuid4()}"}
    status, opened = call(address, escalation, **signed, **key)
    ticket = json.loads(opened)["ticket"]
    until(Offer.objects.pending().exists)
    offers.accept(Offer.objects.get(), at=clock.now())
    words = {"client_message_id": f"{CANARY}-1", "text": CANARY}
    messages = f"{fresh.url}/api/v1/tickets/{ticket}/messages"
    said, _body = call(messages, words, **signed)
    with connection.cursor() as cursor:
        cursor.execute(REFUSE_MESSAGES)
    failed, _body = call(messages, {**words, "client_message_id": "m-2"}, **signed)
    with connection.cursor() as cursor:
        cursor.execute(TAKE_MESSAGES)
    refused = [
        call(address, {**escalation, "customer": CANARY}, **signed, **key)[0],
        call(address, escalation, authorization=f"Bearer rk_{CANARY}")[0],
        call(f"{fresh.url}/desk/login", {"username": CANARY, "password": CANARY})[0],
        call(f"{messages}?after={CANARY}", **signed)[0],
    ]
    cancelled, _body = call(f"{fresh.url}/api/v1/tickets/{ticket}/cancel", {}, **signed)
    until(WebhookAttempt.objects.exists)
    time.sleep(2)

    logs = {name: fresh.log(name) for name in OURS}
    assert (status, said, failed, cancelled) == (201, 201, 500, 200)
    assert refused == [400, 401, 200, 400]
    assert Message.objects.count() == 1
    assert [name for name, log in logs.items() if CANARY in log] == []
    assert [name for name, log in logs.items() if api in log or endpoint.secret in log] == []
    lines = {name: [json.loads(line) for line in log.splitlines()] for name, log in logs.items()}
    assert all(
        line["level"] and line["at"] and line["event"] for log in lines.values() for line in log
    )
    (failure,) = [
        line for line in lines["web"] if line.get("exception") and line["level"] == "error"
    ]
    assert "RaiseException P0001" in failure["exception"]
    assert (failure["ticket"], failure["client"]) == (ticket, client.slug)
    assert re.fullmatch("[0-9a-f]{32}", failure["request_id"])
    # The scheduler runs it where the matcher is late.
    waves = [line for line in [*lines["matcher"], *lines["scheduler"]] if line["event"] == "wave"]
    assert [line["offers"] for line in waves] == [1]
