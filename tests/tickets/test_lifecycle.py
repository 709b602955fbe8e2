"""The lifecycle of a ticket: every allowed and every refused transition."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests import factories
from tests.refusals import refused_by
from tickets import lifecycle
from tickets.errors import (
    ConversationAlreadyOpen,
    TicketClosed,
    TicketError,
    TicketNotActive,
    TicketNotWaiting,
)
from tickets.models import Ticket, WebhookDelivery

pytestmark = pytest.mark.django_db

VERBS: dict[str, Callable[[Ticket, datetime], Ticket]] = {
    "begin": lambda ticket, at: lifecycle.begin(ticket, agent_name="Amina", at=at),
    "requeue": lambda ticket, at: lifecycle.requeue(ticket, reason="agent_lost", at=at),
    "resolve": lambda ticket, at: lifecycle.resolve(ticket, disposition="solved", at=at),
    "hand_back": lambda ticket, at: lifecycle.hand_back(ticket, reason="wrong_team", at=at),
    "give_up": lambda ticket, at: lifecycle.give_up(ticket, at=at),
    "abandon": lambda ticket, at: lifecycle.abandon(ticket, reason="left", at=at),
}
#: The transitions that lead to each status, from the escalation on.
WAYS = {
    "queued": [],
    "active": ["begin"],
    "resolved": ["begin", "resolve"],
    "handed_back": ["hand_back"],
    "unavailable": ["give_up"],
    "abandoned": ["abandon"],
}
ALLOWED = {
    ("queued", "begin"): "active",
    ("queued", "hand_back"): "handed_back",
    ("queued", "give_up"): "unavailable",
    ("queued", "abandon"): "abandoned",
    ("active", "requeue"): "queued",
    ("active", "resolve"): "resolved",
    ("active", "hand_back"): "handed_back",
    ("active", "abandon"): "abandoned",
    # Abandoning an ended ticket changes nothing.
    ("resolved", "abandon"): "resolved",
    ("handed_back", "abandon"): "handed_back",
    ("unavailable", "abandon"): "unavailable",
    ("abandoned", "abandon"): "abandoned",
}
REFUSALS = {
    ("queued", "requeue"): TicketNotActive,
    ("queued", "resolve"): TicketNotActive,
    ("active", "begin"): TicketNotWaiting,
    ("active", "give_up"): TicketNotWaiting,
}
ALL = [(status, verb) for status in WAYS for verb in VERBS]


def a_ticket(status: str, at: datetime) -> Ticket:
    ticket = factories.make_ticket(at=at)
    for verb in WAYS[status]:
        ticket = VERBS[verb](ticket, at)
    return ticket


def row(ticket: Ticket) -> dict[str, Any]:
    found: dict[str, Any] = Ticket.objects.filter(pk=ticket.pk).values().get()
    return found


@pytest.mark.parametrize(("status", "verb"), sorted(ALLOWED))
def test_an_allowed_transition_leads_to_its_status(noon: datetime, status: str, verb: str) -> None:
    ticket = a_ticket(status, noon)

    moved = VERBS[verb](ticket, noon)

    assert moved.status == row(ticket)["status"] == ALLOWED[status, verb]


@pytest.mark.parametrize(("status", "verb"), sorted(set(ALL) - set(ALLOWED)))
def test_any_other_transition_is_refused_and_changes_nothing(
    noon: datetime, status: str, verb: str
) -> None:
    factories.make_endpoint()
    ticket = a_ticket(status, noon)
    before, news = row(ticket), WebhookDelivery.objects.count()

    with pytest.raises(TicketError) as refused:
        VERBS[verb](ticket, noon)

    assert type(refused.value) is REFUSALS.get((status, verb), TicketClosed)
    assert row(ticket) == before
    assert WebhookDelivery.objects.count() == news


def test_an_ended_ticket_keeps_its_status(noon: datetime) -> None:
    ticket = a_ticket("resolved", noon)
    before = row(ticket)

    lifecycle.abandon(ticket, reason="left", at=noon + timedelta(hours=1))

    assert row(ticket) == before


def test_the_epoch_rises_each_time_an_agent_takes_the_ticket(noon: datetime) -> None:
    ticket = a_ticket("active", noon)

    lifecycle.requeue(ticket, reason="agent_lost", at=noon)
    taken = lifecycle.begin(ticket, agent_name="Ben", at=noon)

    assert (taken.epoch, taken.answered_by) == (2, "Ben")


def test_a_second_agent_does_not_change_the_time_of_answer(noon: datetime) -> None:
    ticket = a_ticket("active", noon)
    lifecycle.requeue(ticket, reason="agent_lost", at=noon)

    taken = lifecycle.begin(ticket, agent_name="Ben", at=noon + timedelta(minutes=5))

    assert taken.answered_at == noon


def test_a_requeued_ticket_goes_to_the_head_of_the_queue_with_new_patience(noon: datetime) -> None:
    ticket = a_ticket("active", noon)
    earlier = factories.make_ticket(at=noon - timedelta(seconds=10))
    later = noon + timedelta(minutes=10)

    back = lifecycle.requeue(ticket, reason="agent_lost", at=later)

    assert list(Ticket.objects.queued().in_order()) == [back, earlier]
    assert (back.give_up_at, back.answered_by) == (later + back.client.patience, "")


@pytest.mark.parametrize(
    ("verb", "kind", "about"),
    [
        ("begin", "ticket.answered", {"agent": {"name": "Amina"}}),
        ("give_up", "ticket.unavailable", {"reason": "no_agent"}),
        ("hand_back", "ticket.handed_back", {"reason": "wrong_team", "note": ""}),
    ],
)
def test_a_transition_of_a_queued_ticket_sends_its_webhook(
    noon: datetime, verb: str, kind: str, about: dict[str, Any]
) -> None:
    endpoint = factories.make_endpoint()
    ticket = factories.make_ticket(at=noon)

    VERBS[verb](ticket, noon)

    news = WebhookDelivery.objects.get()
    assert (news.endpoint, news.type, news.version) == (endpoint, kind, 1)
    assert news.payload == {
        "type": kind,
        "timestamp": noon.isoformat(),
        "data": {
            "ticket": str(ticket.pk),
            "conversation_ref": ticket.conversation_ref,
            "version": 1,
            **about,
        },
    }


@pytest.mark.parametrize(
    ("verb", "kind", "about"),
    [
        ("resolve", "ticket.resolved", {"disposition": "solved", "note": ""}),
        ("requeue", "ticket.requeued", {"reason": "agent_lost"}),
    ],
)
def test_a_transition_of_an_active_ticket_sends_its_webhook(
    noon: datetime, verb: str, kind: str, about: dict[str, Any]
) -> None:
    factories.make_endpoint()
    ticket = a_ticket("active", noon)

    VERBS[verb](ticket, noon)

    news = WebhookDelivery.objects.get(type=kind)
    assert news.version == 2
    assert about.items() <= news.payload["data"].items()


def test_abandoning_a_ticket_sends_no_webhook(noon: datetime) -> None:
    factories.make_endpoint()
    ticket = factories.make_ticket(at=noon)

    lifecycle.abandon(ticket, reason="left", at=noon)

    assert not WebhookDelivery.objects.exists()


def test_endpoints_of_others_and_disabled_ones_get_no_webhook(noon: datetime) -> None:
    ticket = factories.make_ticket(at=noon)
    factories.make_endpoint(factories.make_client("other"))
    disabled = factories.make_endpoint(ticket.client)
    disabled.disabled_at = noon
    disabled.save()

    lifecycle.begin(ticket, agent_name="Amina", at=noon)

    assert not WebhookDelivery.objects.exists()


def test_the_refusal_of_an_open_conversation_names_its_ticket(noon: datetime) -> None:
    ticket = factories.make_ticket(conversation_ref="c", at=noon)

    with pytest.raises(ConversationAlreadyOpen) as refused:
        factories.make_ticket(conversation_ref="c", at=noon)

    assert refused.value.ticket == ticket.pk
    assert Ticket.objects.count() == 1


def test_two_clients_may_have_the_same_conversation_reference(noon: datetime) -> None:
    factories.make_ticket(conversation_ref="c", at=noon)

    factories.make_ticket(factories.make_client("other"), conversation_ref="c", at=noon)

    assert Ticket.objects.count() == 2


def test_the_database_refuses_two_open_tickets_of_one_conversation(noon: datetime) -> None:
    one, other = factories.make_ticket(at=noon), factories.make_ticket(at=noon)

    with refused_by("one_open_ticket_per_conversation"):
        Ticket.objects.filter(pk=other.pk).update(conversation_ref=one.conversation_ref)


@pytest.mark.parametrize(
    "change", [{"status": "resolved"}, {"closed_at": datetime(2026, 1, 1).astimezone()}]
)
def test_the_database_refuses_closed_without_a_moment_and_the_reverse(
    noon: datetime, change: dict[str, Any]
) -> None:
    ticket = factories.make_ticket(at=noon)

    with refused_by("closed_means_closed_at"):
        Ticket.objects.filter(pk=ticket.pk).update(**change)


def test_the_name_of_a_ticket_holds_nothing_of_its_customer(noon: datetime) -> None:
    ticket = factories.make_ticket(customer={"ref": "u", "name": "Canary"}, at=noon)

    assert "Canary" not in str(ticket) + repr(ticket)
