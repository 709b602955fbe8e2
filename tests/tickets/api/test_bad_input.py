"""Requests that the API refuses: the error names the field, and nothing is stored."""

import json
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client as Http

from tests import factories
from tickets import auth, clock, lifecycle
from tickets.models import ApiKey, IdempotencyKey, Message, Ticket

pytestmark = pytest.mark.django_db

LINE = {"role": "bot", "at": "2026-11-22T10:00:00Z", "text": "."}
MIB = 1024 * 1024


def read_problem(answer: Any) -> tuple[int, str, str]:
    """Read status, code and first field of a well-formed problem document."""
    problem = answer.json()
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert problem["status"] == answer.status_code
    assert {"type", "title", "status", "detail", "instance", "code"} <= set(problem)
    return answer.status_code, problem["code"], problem.get("errors", [{}])[0].get("field", "")


def is_nothing_stored() -> bool:
    return not (Ticket.objects.exists() or IdempotencyKey.objects.exists())


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("vip", {"vip": True}),
        ("customer.status", {"customer": {"ref": "u", "name": "Mia", "status": "resolved"}}),
        ("conversation_ref", {"conversation_ref": {"$ne": ""}}),
        ("conversation_ref", {"conversation_ref": None}),
        ("version", {"version": "1"}),
        ("version", {"version": True}),
        ("skills.0.level", {"skills": [{"code": "cards", "level": True}]}),
        ("skills.0.level", {"skills": [{"code": "cards", "level": "5"}]}),
        ("skills.0.level", {"skills": [{"code": "cards", "level": 10**200}]}),
        ("transcript", {"transcript": [LINE] * 501}),
        ("transcript", {"transcript": [LINE | {"text": "x" * 19_200}] * 16}),
        ("language", {"language": "english"}),
        ("language", {"language": "xx-yy"}),
        ("topic", {"topic": "<b>"}),
        ("customer.name", {"customer": {"ref": "u", "name": "a\x00b"}}),
        ("summary", {"summary": "\x00"}),
        ("context", {"context": {"a": "x" * 5000}}),
    ],
)
def test_a_wrong_field_is_named(api: Any, field: str, given: dict[str, Any]) -> None:
    factories.make_skill("cards")

    answer = api.escalate(**given)

    assert read_problem(answer) == (400, "invalid", field)
    assert is_nothing_stored()


@pytest.mark.parametrize("written", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_a_number_that_json_lacks_is_refused(api: Any, written: str) -> None:
    body = json.dumps(factories.escalation(context={"a": 1.5})).replace("1.5", written)

    status, code, field = read_problem(api.escalate(body.encode()))

    assert (status, code, field.startswith("context.a")) == (400, "invalid", True)
    assert is_nothing_stored()


def test_an_unknown_skill_is_named_by_its_place(api: Any) -> None:
    factories.make_skill("cards")

    answer = api.escalate(skills=[{"code": "cards"}, {"code": "juggling"}])

    assert read_problem(answer) == (400, "invalid", "skills.1.code")
    assert is_nothing_stored()


def test_a_skill_named_twice_is_refused(api: Any) -> None:
    factories.make_skill("cards")

    answer = api.escalate(skills=[{"code": "cards", "level": 1}, {"code": "cards", "level": 5}])

    assert read_problem(answer)[:2] == (400, "invalid")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"text"',
        b"{",
        b"not json",
        b"\xff\xfe\x00",
        b'{"version": 1, "version": ',
        b"[" * 100_000,
        b'{"a":' * 100_000,
    ],
)
def test_a_body_that_is_no_json_object_is_refused(api: Any, body: bytes) -> None:
    answer = api.escalate(body)

    assert read_problem(answer) == (400, "invalid", "body")
    assert is_nothing_stored()


@pytest.mark.parametrize("half", ["\\ud800", "\\udfff", "\\ud800x"])
def test_a_lone_surrogate_is_refused(api: Any, half: str) -> None:
    body = json.dumps(factories.escalation(summary="HERE")).replace("HERE", half)

    assert read_problem(api.escalate(body.encode()))[:2] == (400, "invalid")
    assert is_nothing_stored()


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", "nonsense", ""]
)
def test_another_media_type_is_refused(api: Any, kind: str) -> None:
    body = json.dumps(factories.escalation()).encode()

    answer = api.post("escalations", body, content_type=kind, **{"idempotency-key": "1"})

    assert read_problem(answer)[:2] == (415, "unsupported_media_type")
    assert is_nothing_stored()


def test_json_with_a_charset_is_json(api: Any) -> None:
    body = factories.escalation()
    kind = "application/json; charset=utf-8"

    answer = api.post("escalations", body, content_type=kind, **{"idempotency-key": "1"})

    assert answer.status_code == 201


def test_a_body_of_two_mebibytes_is_refused(api: Any) -> None:
    body = json.dumps(factories.escalation(summary="x" * 2 * MIB)).encode()

    assert read_problem(api.escalate(body))[:2] == (413, "too_large")
    assert is_nothing_stored()


def test_an_error_does_not_repeat_the_input(api: Any) -> None:
    answer = api.escalate(customer={"ref": "u", "name": "Canary", "iban": "FR7630006000011234"})

    assert "FR76" not in answer.content.decode()
    assert "Canary" not in answer.content.decode()


@pytest.mark.parametrize("key", [None, "", '""', "   ", "k" * 256])
def test_an_escalation_without_a_key_is_refused(api: Any, key: str | None) -> None:
    headers = {} if key is None else {"idempotency-key": key}

    answer = api.post("escalations", factories.escalation(), **headers)

    assert read_problem(answer)[:2] == (400, "idempotency_key_missing")
    assert is_nothing_stored()


def test_a_key_used_with_another_payload_is_refused(api: Any) -> None:
    api.escalate(key="1")

    answer = api.escalate(key="1")

    assert read_problem(answer)[:2] == (422, "idempotency_key_reused")
    assert Ticket.objects.count() == 1


def test_a_refused_request_leaves_its_key_unused(api: Any) -> None:
    api.escalate(topic="No Topic", key="1")

    assert api.escalate(key="1").status_code == 201


def test_a_conversation_has_one_open_ticket_and_the_refusal_names_it(api: Any) -> None:
    open_one = api.escalate(conversation_ref="c-1").json()["ticket"]

    answer = api.escalate(conversation_ref="c-1")

    assert read_problem(answer)[:2] == (409, "conversation_already_open")
    assert answer.json()["ticket"] == open_one


def test_a_conversation_may_be_escalated_again_once_it_was_closed(api: Any) -> None:
    first = api.escalate(conversation_ref="c-1").json()["ticket"]
    api.post(f"tickets/{first}/cancel", b"")

    assert api.escalate(conversation_ref="c-1").status_code == 201


def test_a_closed_ticket_takes_no_more_messages(api: Any) -> None:
    ticket = factories.make_ticket()
    lifecycle.abandon(ticket, reason="left", at=clock.now())

    answer = api.post(f"tickets/{ticket.pk}/messages", {"client_message_id": "1", "text": "Hi"})

    assert read_problem(answer)[:2] == (409, "ticket_closed")
    assert not Message.objects.exists()


def test_another_text_under_the_same_id_is_refused(api: Any) -> None:
    ticket = factories.make_ticket()
    api.post(f"tickets/{ticket.pk}/messages", {"client_message_id": "1", "text": "Hi"})

    answer = api.post(f"tickets/{ticket.pk}/messages", {"client_message_id": "1", "text": "Ho"})

    assert read_problem(answer)[:2] == (409, "message_changed")
    assert Message.objects.get().text == "Hi"


@pytest.mark.parametrize(
    ("field", "body"),
    [
        ("text", {"client_message_id": "1"}),
        ("text", {"client_message_id": "1", "text": {"html": "x"}}),
        ("text", {"client_message_id": "1", "text": "x" * 10_001}),
        ("text", {"client_message_id": "1", "text": "\x00"}),
        ("client_message_id", {"client_message_id": 1, "text": "x"}),
        ("from", {"client_message_id": "1", "text": "x", "from": "agent"}),
    ],
)
def test_a_wrong_message_is_refused(api: Any, field: str, body: dict[str, Any]) -> None:
    ticket = factories.make_ticket()

    answer = api.post(f"tickets/{ticket.pk}/messages", body)

    assert read_problem(answer) == (400, "invalid", field)
    assert not Message.objects.exists()


@pytest.mark.parametrize("after", ["x", "-1", "1.5", "", "9" * 30, "١", "1 OR 1=1"])
def test_an_after_that_is_no_whole_number_is_refused(api: Any, after: str) -> None:
    ticket = factories.make_ticket()

    answer = api.get(f"tickets/{ticket.pk}/messages", after=after)

    assert read_problem(answer) == (400, "invalid", "after")


def test_an_invalid_cancellation_changes_nothing(api: Any) -> None:
    ticket = factories.make_ticket()

    answer = api.post(f"tickets/{ticket.pk}/cancel", {"reason": 7})

    assert read_problem(answer) == (400, "invalid", "reason")
    assert Ticket.objects.get().status == "queued"


ENDPOINTS = [
    ("get", "tickets/{}", None),
    ("get", "tickets/{}/messages", None),
    ("post", "tickets/{}/messages", {"client_message_id": "1", "text": "Hi"}),
    ("post", "tickets/{}/cancel", {}),
]


def ask(api: Any, method: str, path: str, body: Any) -> Any:
    return api.post(path, body) if method == "post" else api.get(path)


@pytest.mark.parametrize(("method", "path", "body"), ENDPOINTS)
def test_the_ticket_of_another_client_is_not_found(
    api: Any, method: str, path: str, body: Any
) -> None:
    foreign = factories.make_ticket(factories.make_client("other"))
    before = Ticket.objects.values().get()
    missing = uuid4()

    theirs = ask(api, method, path.format(foreign.pk), body)
    absent = ask(api, method, path.format(missing), body)

    assert read_problem(theirs) == read_problem(absent) == (404, "not_found", "")
    assert theirs.content == absent.content.replace(str(missing).encode(), str(foreign.pk).encode())
    assert Ticket.objects.values().get() == before
    assert not Message.objects.exists()


@pytest.mark.parametrize(
    "path", ["tickets/1", "tickets/%00", "tickets/../escalations", "nothing", "tickets/"]
)
def test_an_unknown_url_is_answered_by_a_problem_document(api: Any, path: str) -> None:
    assert read_problem(api.get(path))[:2] == (404, "not_found")


def test_another_method_is_refused(api: Any) -> None:
    ticket = factories.make_ticket()

    answer = api.http.delete(f"/api/v1/tickets/{ticket.pk}")

    assert read_problem(answer)[:2] == (405, "method_not_allowed")


def credentials(api: Any) -> dict[str, str]:
    revoked = factories.make_key(api.client)
    auth.revoke(ApiKey.objects.get(prefix=revoked[:11]), at=clock.now())
    prefix = "_".join(api.key.split("_")[:2])
    return {
        "none": "",
        "unknown": "Bearer rk_00000000_" + "x" * 43,
        "revoked": f"Bearer {revoked}",
        "the prefix alone": f"Bearer {prefix}",
        "the prefix with another secret": f"Bearer {prefix}_" + "x" * 43,
        "one letter less": f"Bearer {api.key[:-1]}",
        "another scheme": f"Basic {api.key}",
        "the scheme alone": "Bearer",
        "two words": f"Bearer {api.key} {api.key}",
        "not latin": "Bearer rk_é_é",
        "very long": "Bearer rk_" + "a" * 5000,
    }


@pytest.mark.parametrize(
    "which",
    [
        "none",
        "unknown",
        "revoked",
        "the prefix alone",
        "the prefix with another secret",
        "one letter less",
        "another scheme",
        "the scheme alone",
        "two words",
        "not latin",
        "very long",
    ],
)
def test_a_request_without_a_valid_key_is_refused(api: Any, which: str) -> None:
    ticket = factories.make_ticket()
    http = Http(headers={"authorization": credentials(api)[which]})

    for method, path, body in [*ENDPOINTS, ("post", "escalations", factories.escalation())]:
        address = f"/api/v1/{path.format(ticket.pk)}"
        call = getattr(http, method)
        answer = call(address, body, content_type="application/json") if body else call(address)

        assert answer.status_code == 401
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert Ticket.objects.count() == 1


def test_every_key_of_a_client_works_until_it_is_revoked(api: Any) -> None:
    ticket = factories.make_ticket()
    second = factories.make_key(api.client)
    auth.revoke(ApiKey.objects.get(prefix=second[:11]), at=clock.now())

    assert api.get(f"tickets/{ticket.pk}").status_code == 200
