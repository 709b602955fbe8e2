"""The handoff contract, version 1: strict, and every error names its field."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from tests.factories import escalation
from tickets.handoff import Cancellation, CustomerMessage, Escalation
from tickets.models import Ticket

LINE = {"role": "bot", "at": "2026-11-22T10:00:00Z", "text": "."}


def read(payload: Any) -> Escalation:
    return Escalation.model_validate_json(json.dumps(payload))


def complaint(payload: Any) -> str:
    """The field of the first error. An error across fields names them in its text."""
    with pytest.raises(ValidationError) as refused:
        read(payload)
    first = refused.value.errors()[0]
    place = ".".join(map(str, first["loc"]))
    return place or first["msg"].removeprefix("Value error, ").split(":")[0]


def test_the_required_fields_are_enough() -> None:
    asked = read(
        {
            "version": 1,
            "conversation_ref": "c",
            "customer": {"ref": "u", "name": "Mia"},
            "language": "en",
            "topic": "card",
        }
    )

    assert (asked.urgency, asked.skills, asked.transcript, asked.context) == ("normal", [], [], {})


def test_a_skill_gives_way_only_where_that_is_said() -> None:
    needs = [{"code": "cards", "level": 3}, {"code": "loans", "gives_way": True}]

    asked = read(escalation(skills=needs))

    assert [need.gives_way for need in asked.skills] == [False, True]


@pytest.mark.parametrize(
    ("tag", "base"), [("fr", "fr"), ("fr-CA", "fr"), ("EN", "en"), ("zh-Hans-CN", "zh")]
)
def test_the_base_language_has_no_region(tag: str, base: str) -> None:
    assert read(escalation(language=tag)).base_language == base


@pytest.mark.parametrize(
    "tag",
    ["", "e", "english", "en_US", "xx-yy-zz", "e n", "en-", "en.utf8", "en@euro", "klingon", "12"],
)
def test_an_invalid_language_tag_is_refused(tag: str) -> None:
    assert complaint(escalation(language=tag)) == "language"


@pytest.mark.parametrize(("word", "level"), [("low", 0), ("normal", 1), ("high", 2)])
def test_urgency_has_a_level(word: str, level: int) -> None:
    assert read(escalation(urgency=word)).urgency_level == Ticket.Urgency(level)


@pytest.mark.parametrize(
    ("place", "given"),
    [
        ("vip", {"vip": True}),
        ("customer.email", {"customer": {"ref": "u", "name": "Mia", "email": "m@x.example"}}),
        ("skills.0.name", {"skills": [{"code": "a", "name": "A"}]}),
        ("transcript.0.id", {"transcript": [LINE | {"id": 1}]}),
        ("version", {"version": 2}),
        ("version", {"version": "1"}),
        ("version", {"version": 1.0}),
        ("version", {"version": True}),
        ("conversation_ref", {"conversation_ref": {"$ne": ""}}),
        ("conversation_ref", {"conversation_ref": 7}),
        ("conversation_ref", {"conversation_ref": ""}),
        ("conversation_ref", {"conversation_ref": "c" * 121}),
        ("conversation_ref", {"conversation_ref": "a\x00b"}),
        ("customer", {"customer": "Mia"}),
        ("customer", {"customer": None}),
        ("customer.name", {"customer": {"ref": "u", "name": ["Mia"]}}),
        ("customer.name", {"customer": {"ref": "u", "name": "\x00"}}),
        ("customer.ref", {"customer": {"name": "Mia"}}),
        ("topic", {"topic": "Two Words"}),
        ("topic", {"topic": "card\n"}),
        ("topic", {"topic": "t" * 61}),
        ("skills.0.level", {"skills": [{"code": "a", "level": True}]}),
        ("skills.0.gives_way", {"skills": [{"code": "a", "gives_way": 1}]}),
        ("skills.0.gives_way", {"skills": [{"code": "a", "gives_way": "yes"}]}),
        ("skills.0.level", {"skills": [{"code": "a", "level": "3"}]}),
        ("skills.0.level", {"skills": [{"code": "a", "level": 0}]}),
        ("skills.0.level", {"skills": [{"code": "a", "level": 6}]}),
        ("skills.0.level", {"skills": [{"code": "a", "level": 10**30}]}),
        ("skills.0.level", {"skills": [{"code": "a", "level": 2.5}]}),
        ("skills", {"skills": [{"code": f"s{n}"} for n in range(9)]}),
        ("skills", {"skills": {"cards": 3}}),
        ("urgency", {"urgency": "urgent"}),
        ("urgency", {"urgency": 2}),
        ("summary", {"summary": None}),
        ("summary", {"summary": "s" * 4001}),
        ("tried", {"tried": ["t"] * 21}),
        ("tried.0", {"tried": ["t" * 501]}),
        ("tried.0", {"tried": ["\x00"]}),
        ("transcript.0.role", {"transcript": [LINE | {"role": "agent"}]}),
        ("transcript.0.at", {"transcript": [LINE | {"at": "yesterday"}]}),
        ("context.a", {"context": {"a": {}}}),
    ],
)
def test_a_value_outside_the_contract_is_refused(place: str, given: dict[str, Any]) -> None:
    found = complaint(escalation(**given))

    assert f"{found}.".startswith(f"{place}.")


def test_a_transcript_of_501_lines_is_refused() -> None:
    assert len(read(escalation(transcript=[LINE] * 500)).transcript) == 500
    assert complaint(escalation(transcript=[LINE] * 501)) == "transcript"


def test_a_transcript_is_measured_in_bytes() -> None:
    line = LINE | {"text": "é" * 16_384}

    assert read(escalation(transcript=[line] * 8))
    assert complaint(escalation(transcript=[line] * 9)) == "transcript"


@pytest.mark.parametrize("value", ["text", 7, 10**30, -1, 2.5, True, False, None])
def test_context_keeps_its_plain_values(value: Any) -> None:
    found = read(escalation(context={"a": value})).context["a"]

    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize("written", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_a_number_that_json_cannot_write_is_refused(written: str) -> None:
    body = json.dumps(escalation(context={"a": 1.5})).replace("1.5", written)

    with pytest.raises(ValidationError):
        Escalation.model_validate_json(body)


@pytest.mark.parametrize("context", [{"a": "x" * 4096}, {"a": "é" * 2048}, {"k" * 65: 1}, {"": 1}])
def test_a_large_context_is_refused(context: dict[str, str]) -> None:
    assert complaint(escalation(context=context)).startswith("context")


@pytest.mark.parametrize(
    "body", [b'{"text": "\\ud800"}', b'{"text": "\xff"}', b"[" * 10_000, b"", b"null", b"[]"]
)
def test_a_body_with_invalid_text_is_refused(body: bytes) -> None:
    with pytest.raises(ValidationError):
        Escalation.model_validate_json(body)


@pytest.mark.parametrize(
    "body",
    [
        {"client_message_id": "", "text": "hi"},
        {"client_message_id": "i" * 65, "text": "hi"},
        {"client_message_id": 1, "text": "hi"},
        {"client_message_id": "1", "text": ""},
        {"client_message_id": "1", "text": "x" * 10_001},
        {"client_message_id": "1", "text": "\x00"},
        {"client_message_id": "1", "text": "hi", "origin": "agent"},
        {"text": "hi"},
    ],
)
def test_an_invalid_message_is_refused(body: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        CustomerMessage.model_validate_json(json.dumps(body))


def test_a_message_may_have_ten_thousand_characters() -> None:
    body = json.dumps({"client_message_id": "1", "text": "😀" * 10_000})

    assert CustomerMessage.model_validate_json(body).text == "😀" * 10_000


def test_a_cancellation_needs_no_reason() -> None:
    assert Cancellation.model_validate_json("{}").reason == "left"
