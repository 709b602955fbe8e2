"""The API as a whole: its schema, its errors, its log."""

import logging
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client as Http
from django.urls import Resolver404, resolve

from tests import factories
from tickets import clock, lifecycle
from tickets.events import outbox

CANARY = "canary-7f3a91"


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    document: dict[str, Any] = Http().get("/api/v1/schema?format=json").json()
    return document


def test_the_schema_is_valid_and_complete(tmp_path: Path) -> None:
    target = tmp_path / "schema.yml"

    call_command("spectacular", validate=True, fail_on_warn=True, file=str(target))

    assert target.stat().st_size > 1000


def test_every_operation_of_the_schema_exists(schema: dict[str, Any]) -> None:
    for path, operations in schema["paths"].items():
        address = path.replace("{ticket_id}", "01a20208-6718-7656-8949-19ef1d8e3f3c")
        view = resolve(address).func.view_class
        assert set(operations) <= {name for name in ("get", "post") if hasattr(view, name)}


def test_every_existing_operation_is_in_the_schema(schema: dict[str, Any]) -> None:
    told = {one["operationId"] for path in schema["paths"].values() for one in path.values()}

    assert told == {
        "availability",
        "escalate",
        "ticket",
        "say",
        "messages",
        "cancel",
        "review",
    }


def test_every_operation_requires_a_key_and_lists_its_problems(schema: dict[str, Any]) -> None:
    for path in schema["paths"].values():
        for operation in path.values():
            assert operation["security"] == [{"ApiKey": []}]
            assert {"400", "401", "404", "409"} <= set(operation["responses"])


def test_an_undocumented_address_is_not_found() -> None:
    with pytest.raises(Resolver404):
        resolve("/apiary")
    assert Http().get("/api/v2/tickets").json()["code"] == "not_found"
    assert Http().get("/api/").headers["Content-Type"] == "application/problem+json"


@pytest.mark.django_db
def test_the_responses_match_the_schema(schema: dict[str, Any], api: Any) -> None:
    opened = api.escalate()
    shape = {"$ref": "#/components/schemas/Opened", "components": schema["components"]}
    problem = {"$ref": "#/components/schemas/Problem", "components": schema["components"]}

    jsonschema.validate(opened.json(), shape)
    jsonschema.validate(api.escalate(vip=True).json(), problem)
    jsonschema.validate(api.get("nothing").json(), problem)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("no_worker")
def test_without_a_database_the_response_says_when_to_try_again(
    api: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticket = factories.make_ticket()
    connection.close()
    monkeypatch.setitem(connection.settings_dict, "HOST", "/nowhere")

    answers = [api.get(f"tickets/{ticket.pk}"), api.escalate()]

    monkeypatch.undo()
    for answer in answers:
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert answer.headers["Retry-After"] == "2"
        assert answer.headers["Content-Type"] == "application/problem+json"
    assert api.get(f"tickets/{ticket.pk}").status_code == 200


@pytest.mark.django_db
def test_no_message_or_name_of_a_customer_is_logged(
    api: Any,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Any,
) -> None:
    """Runs through successes, refusals and a webhook that fails."""
    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr(logging.getLogger("django"), "propagate", True)
    factories.make_endpoint(api.client, "https://127.0.0.1/")
    customer = {"ref": CANARY, "name": CANARY}
    about = {"customer": customer, "summary": CANARY, "context": {CANARY: CANARY}}

    with django_capture_on_commit_callbacks(execute=True):
        opened = api.escalate(conversation_ref=CANARY, **about).json()
        path = f"tickets/{opened['ticket']}"
        api.escalate(conversation_ref=CANARY, **about)
        api.escalate(**{**about, "topic": CANARY.upper()})
        api.escalate(**about, **{CANARY: CANARY})
        for text in (CANARY, CANARY * 2):
            api.post(f"{path}/messages", {"client_message_id": "1", "text": text})
        api.post(f"{path}/messages", {"client_message_id": CANARY, "text": 7})
        held = factories.make_assignment(ticket=factories.make_ticket(**about))
        factories.make_message(held.ticket, CANARY, origin="agent")
        lifecycle.abandon(held.ticket, reason="left", at=clock.now())
        outbox.deliver_due()

    logged = [one for one in caplog.records if one.name != "django.db.backends"]
    assert logged
    assert [one.getMessage() for one in logged if CANARY in one.getMessage()] == []
    assert api.key not in caplog.text


def test_the_liveness_check_contains_nothing_else() -> None:
    answer = Http().get("/healthz")

    assert (answer.status_code, answer.content) == (200, b"ok")
