"""The number of statements of each verb: a ticket is locked once and changed once."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from dispatch import assignments, offers
from dispatch.models import Assignment, Offer
from tests import factories
from tests.conftest import Api
from tickets import clock, lifecycle
from tickets.models import Ticket

pytestmark = pytest.mark.django_db


def accept() -> Callable[[], Any]:
    offer = Offer.objects.select_related("ticket").get(pk=factories.make_offer().pk)
    return lambda: offers.accept(offer, at=clock.now())


def make_conversation() -> Assignment:
    rows = Assignment.objects.select_related("offer", "ticket__client", "ticket__handoff")
    return rows.get(pk=factories.make_assignment().pk)


def make_waiting_ticket() -> Ticket:
    return Ticket.objects.select_related("client").get(pk=factories.make_ticket().pk)


def resolve() -> Callable[[], Any]:
    held = make_conversation()
    return lambda: assignments.resolve(held, disposition="solved", at=clock.now())


def hand_back() -> Callable[[], Any]:
    held = make_conversation()
    return lambda: assignments.hand_back(held, reason="wrong_team", at=clock.now())


def requeue() -> Callable[[], Any]:
    held = make_conversation()
    return lambda: assignments.lose(held, at=clock.now())


def say() -> Callable[[], Any]:
    held, user = make_conversation(), factories.make_user()
    return lambda: assignments.say(
        held, text="Hi", client_message_id="1", sent_by=user, at=clock.now()
    )


def abandon() -> Callable[[], Any]:
    ticket = make_conversation().ticket
    return lambda: lifecycle.abandon(ticket, reason="left", at=clock.now())


def give_up() -> Callable[[], Any]:
    ticket = make_waiting_ticket()
    return lambda: lifecycle.give_up(ticket, at=clock.now())


def cancel() -> Callable[[], Any]:
    ticket = make_waiting_ticket()
    api = Api(ticket.client)
    api.get(f"tickets/{ticket.pk}")
    return lambda: api.post(f"tickets/{ticket.pk}/cancel", {})


#: The statements of each verb without savepoints, and how many of them lock the ticket.
STATEMENTS: list[tuple[Callable[[], Callable[[], Any]], int, int]] = [
    (accept, 9, 1),
    (resolve, 9, 1),
    (hand_back, 9, 1),
    (requeue, 11, 1),
    (say, 9, 1),
    (abandon, 6, 0),
    (give_up, 5, 0),
    (cancel, 6, 0),
]


@pytest.mark.parametrize(("verb", "statements", "locks"), STATEMENTS)
def test_a_verb_locks_its_ticket_once_and_runs_a_fixed_number_of_statements(
    verb: Callable[[], Callable[[], Any]], statements: int, locks: int
) -> None:
    call = verb()

    with CaptureQueriesContext(connection) as captured:
        call()

    asked = [one["sql"] for one in captured if "SAVEPOINT" not in one["sql"]]
    locking = [one for one in asked if 'FROM "tickets_ticket"' in one and "FOR UPDATE" in one]
    assert (len(asked), len(locking)) == (statements, locks), "\n".join(asked)
