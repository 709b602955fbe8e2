"""Responses of the API to valid requests."""

import json
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client as Http

from dispatch import assignments, offers
from tests import factories
from tickets import clock, lifecycle
from tickets.models import Handoff, Message, Ticket

pytestmark = pytest.mark.django_db

STRANGE = {
    "html": "<script>alert(1)</script> & <b>\"'",
    "right to left": "\u202eabc\u202c שלום",
    "emoji": "👩🏽‍🚀🇫🇷",
    "line breaks": "a\nb\r\n\tc\x01",
    "long": "é" * 10_000,
}


def test_an_escalation_opens_a_ticket_and_returns_its_url(api: Any) -> None:
    answer = api.escalate(conversation_ref="c-1")

    ticket = Ticket.objects.get()
    assert answer.status_code == 201
    assert answer.json() == {
        "ticket": str(ticket.pk),
        "status": "queued",
        "position": 1,
        "expected_wait_s": None,
        "expected_wait_p90_s": None,
        "opens_at": None,
        "url": f"http://testserver/api/v1/tickets/{ticket.pk}",
    }
    assert answer.headers["Location"] == answer.json()["url"]


def test_the_handoff_is_stored_as_it_came(api: Any) -> None:
    transcript = [{"role": "customer", "at": "2026-11-22T10:00:00Z", "text": "Hm"}]

    api.escalate(summary="s", tried=["t"], transcript=transcript, context={"plan": "gold", "n": 2})

    held = Handoff.objects.get()
    assert (held.summary, held.tried, held.transcript, held.context) == (
        "s",
        ["t"],
        transcript,
        {"plan": "gold", "n": 2},
    )


def test_skills_are_stored_with_their_required_level(api: Any) -> None:
    factories.make_skill("cards")
    factories.make_skill("loans")

    api.escalate(skills=[{"code": "cards", "level": 3}, {"code": "loans"}])

    assert Ticket.objects.get().skills == {"cards": 3, "loans": 1}


def test_promise_and_patience_of_a_ticket_are_those_of_its_client(api: Any) -> None:
    api.escalate()

    ticket = Ticket.objects.get()
    assert ticket.due_at - ticket.queued_at == api.client.answer_within
    assert ticket.give_up_at - ticket.queued_at == api.client.patience


def test_the_state_of_a_queued_ticket_is_complete(api: Any) -> None:
    ticket = factories.make_ticket(conversation_ref="c-1")

    answer = api.get(f"tickets/{ticket.pk}")

    assert answer.status_code == 200
    assert answer.json() == {
        "ticket": str(ticket.pk),
        "conversation_ref": "c-1",
        "status": "queued",
        "version": 0,
        "position": 1,
        "expected_wait_s": None,
        "expected_wait_p90_s": None,
        "opens_at": None,
        "agent": None,
        "queued_at": ticket.queued_at.isoformat().replace("+00:00", "Z"),
        "answered_at": None,
        "closed_at": None,
        "disposition": "",
        "handback": None,
    }


def test_an_answered_ticket_names_its_agent_and_has_no_position(api: Any) -> None:
    ticket = factories.make_ticket()
    offers.accept(factories.make_offer(ticket, factories.make_agent("Amina")), at=clock.now())

    state = api.get(f"tickets/{ticket.pk}").json()

    assert (state["status"], state["agent"], state["position"]) == (
        "active",
        {"name": "Amina"},
        None,
    )


def test_a_handed_back_ticket_has_its_reason(api: Any) -> None:
    held = factories.make_assignment()
    assignments.hand_back(held, reason="wrong_team", note="Loans, please.", at=clock.now())

    state = api.get(f"tickets/{held.ticket_id}").json()

    assert state["handback"] == {"reason": "wrong_team", "note": "Loans, please."}


def test_an_unavailable_ticket_has_no_handback(api: Any) -> None:
    ticket = factories.make_ticket()
    lifecycle.give_up(ticket, at=clock.now())

    state = api.get(f"tickets/{ticket.pk}").json()

    assert (state["status"], state["disposition"], state["handback"]) == (
        "unavailable",
        "no_agent",
        None,
    )


def test_a_message_is_stored_numbered_and_answered(api: Any) -> None:
    ticket = factories.make_ticket()

    answer = api.post(f"tickets/{ticket.pk}/messages", {"client_message_id": "1", "text": "Hi"})

    said = Message.objects.get()
    assert answer.status_code == 201
    assert answer.json() == {
        "id": str(said.pk),
        "seq": 1,
        "from": "customer",
        "text": "Hi",
        "at": said.at.isoformat().replace("+00:00", "Z"),
        "client_message_id": "1",
    }


def test_a_repeated_message_is_stored_once_and_answered_200(api: Any) -> None:
    ticket = factories.make_ticket()
    body = {"client_message_id": "1", "text": "Hi"}

    first = api.post(f"tickets/{ticket.pk}/messages", body)
    again = api.post(f"tickets/{ticket.pk}/messages", body)

    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
    assert Message.objects.count() == 1


def test_messages_are_listed_in_order_after_a_number(api: Any) -> None:
    ticket = factories.make_ticket()
    for text in ("a", "b", "c"):
        factories.make_message(ticket, text)

    everything = api.get(f"tickets/{ticket.pk}/messages").json()["messages"]
    rest = api.get(f"tickets/{ticket.pk}/messages", after="1").json()["messages"]

    assert [one["text"] for one in everything] == ["a", "b", "c"]
    assert [one["seq"] for one in rest] == [2, 3]


@pytest.mark.parametrize("text", STRANGE.values(), ids=STRANGE)
def test_the_text_of_a_message_comes_back_unchanged(api: Any, text: str) -> None:
    ticket = factories.make_ticket()

    api.post(f"tickets/{ticket.pk}/messages", {"client_message_id": "1", "text": text})

    answer = api.get(f"tickets/{ticket.pk}/messages")
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json()["messages"][0]["text"] == text


@pytest.mark.parametrize("name", [text[:120] for text in STRANGE.values()], ids=STRANGE)
def test_a_name_with_markup_comes_back_as_text(api: Any, name: str) -> None:
    api.escalate(customer={"ref": "u", "name": name}, context={name[:60]: name})

    ticket = Ticket.objects.get()
    assert ticket.customer_name == name
    assert ticket.handoff.context == {name[:60]: name}


def test_cancelling_closes_the_ticket(api: Any) -> None:
    ticket = factories.make_ticket()

    answer = api.post(f"tickets/{ticket.pk}/cancel", {"reason": "closed the window"})

    assert answer.status_code == 200
    assert answer.json()["status"] == "abandoned"
    assert Ticket.objects.get().disposition == "closed the window"


def test_cancelling_needs_no_body(api: Any) -> None:
    ticket = factories.make_ticket()

    answer = api.post(f"tickets/{ticket.pk}/cancel", b"")

    assert (answer.status_code, Ticket.objects.get().disposition) == (200, "left")


def test_cancelling_twice_changes_nothing(api: Any) -> None:
    ticket = factories.make_ticket()
    first = api.post(f"tickets/{ticket.pk}/cancel", b"").json()

    again = api.post(f"tickets/{ticket.pk}/cancel", {"reason": "other"})

    assert (again.status_code, again.json()) == (200, first)


def test_an_escalation_retried_with_its_key_gets_the_stored_response(api: Any) -> None:
    body, key = factories.escalation(), str(uuid4())
    first = api.escalate(body, key=key)

    again = api.escalate(body, key=key)

    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers
    assert Ticket.objects.count() == 1


def test_an_idempotency_key_may_be_quoted(api: Any) -> None:
    body = factories.escalation()
    first = api.escalate(body, key="abc")

    again = api.escalate(body, key='"abc"')

    assert again.json() == first.json()


def test_two_clients_may_use_the_same_idempotency_key(api: Any, make_api: Any) -> None:
    other = make_api(factories.make_client("other"))
    body = factories.escalation()

    tickets = {one.escalate(body, key="1").json()["ticket"] for one in (api, other)}

    assert len(tickets) == 2


def test_the_scheme_of_the_authorization_header_ignores_case(api: Any) -> None:
    ticket = factories.make_ticket()

    answer = Http().get(
        f"/api/v1/tickets/{ticket.pk}", headers={"authorization": f"bearer {api.key}"}
    )

    assert answer.status_code == 200


def test_numbers_of_the_context_are_stored_exactly(api: Any) -> None:
    api.escalate(context={"big": 10**30, "small": 0.1, "yes": True, "none": None})

    kept = Handoff.objects.get().context
    assert json.dumps(kept, sort_keys=True) == json.dumps(
        {"big": 10**30, "none": None, "small": 0.1, "yes": True}, sort_keys=True
    )
