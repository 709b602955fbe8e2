"""Waves: everybody who waits, everybody who is free, nobody blocked by another."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from agents import presence, roster
from agents.models import Presence, RateCard
from agents.models.presence import SILENCE
from dispatch import offers
from dispatch.models import OFFER_LASTS, SHOWN_WITHIN, Offer
from dispatch.rules import limits
from dispatch.waves import wave
from tests import factories
from tickets import clock, lifecycle
from tickets.models import Client, Ticket, WebhookDelivery

pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)


@pytest.fixture(autouse=True)
def _card() -> None:
    factories.make_card()


def run_wave() -> int:
    return wave.run(at=clock.now())


def asked() -> dict[Any, Any]:
    return dict(Offer.objects.pending().values_list("ticket", "agent"))


def test_a_waiting_ticket_is_offered_to_a_free_agent() -> None:
    ticket, agent = factories.make_ticket(), factories.make_agent()

    assert run_wave() == 1

    offer = Offer.objects.get()
    assert (offer.ticket, offer.agent, offer.status) == (ticket, agent, "sent")
    assert offer.expires_at - offer.sent_at == SHOWN_WITHIN
    assert factories.read_presence(agent).load == 1


def test_the_pay_is_promised_by_the_card_in_force_and_what_the_ticket_asks_for() -> None:
    client = factories.make_client("other")
    factories.make_card(
        client, per_ticket=200, expected_minutes=5, skills={"cards": 40}, languages={"fr": 7}
    )
    factories.make_ticket(client, language="fr", skills={"cards": 2})
    factories.make_agent(languages={"fr": 5}, skills={"cards": 3})

    run_wave()

    quote = Offer.objects.get().quote
    assert (quote.amount, quote.minutes) == (200 + 40 + 7 + 5 * 30, 5)


def test_an_offer_says_why_this_agent() -> None:
    factories.make_ticket(at=clock.now() - 7 * SECOND)
    factories.make_agent()

    run_wave()

    reasons = Offer.objects.get().reasons
    assert reasons["candidates"] == 1
    assert {name: points for name, points in reasons["costs"].items() if points} == {
        # One ticket in a quarter of an hour makes the next within two minutes 12 % likely.
        "scarce": 18,
        "quality": 5,
        "idle": 60,
    }
    assert (reasons["known"], reasons["again"]) == (False, False)
    assert reasons["waited_s"] in {7, 8}


def test_a_second_wave_asks_nobody_again() -> None:
    factories.make_ticket()
    factories.make_agent()
    factories.make_agent()
    run_wave()

    assert run_wave() == 0


def test_whoever_declined_is_not_asked_again_and_somebody_else_is() -> None:
    ticket = factories.make_ticket()
    first = factories.make_agent(at=clock.now() - 20 * SECOND)
    second = factories.make_agent()
    run_wave()
    offers.decline(Offer.objects.get(agent=first), at=clock.now())

    run_wave()
    offers.decline(Offer.objects.get(agent=second), at=clock.now())

    assert run_wave() == 0
    assert asked() == {}
    assert Ticket.objects.get(pk=ticket.pk).status == "queued"


def test_whoever_let_it_time_out_is_asked_again_after_everybody_else() -> None:
    factories.make_ticket()
    first = factories.make_agent(at=clock.now() - 20 * SECOND)
    run_wave()
    Offer.objects.update(sent_at=clock.now() - 2 * OFFER_LASTS, expires_at=clock.now())
    offers.expire_overdue(at=clock.now())

    novice = factories.make_agent(languages={"en": 1})
    run_wave()
    assert set(asked().values()) == {novice.pk}
    offers.decline(Offer.objects.pending().get(), at=clock.now())

    run_wave()
    assert set(asked().values()) == {first.pk}


def test_a_ticket_somebody_else_holds_is_skipped() -> None:
    """Shown by a second connection in the races; here: one held by its offer."""
    held, waiting = factories.make_ticket(), factories.make_ticket()
    factories.make_offer(held, factories.make_agent())
    agent = factories.make_agent()

    run_wave()

    assert asked()[waiting.pk] == agent.pk


def test_an_agent_is_asked_for_as_many_as_they_have_room_one_a_wave() -> None:
    for _ in range(3):
        factories.make_ticket()
    agent = factories.make_agent(capacity=2)

    assert [run_wave(), run_wave(), run_wave()] == [1, 1, 0]
    assert factories.read_presence(agent).load == 2


def test_a_language_nobody_speaks_blocks_nobody() -> None:
    for _ in range(limits.BATCH + 1):
        factories.make_ticket(language="el", urgency="high")
    english = factories.make_ticket()
    agent = factories.make_agent()

    assert run_wave() == 1
    assert asked() == {english.pk: agent.pk}


def test_the_region_of_a_customer_does_not_keep_them_waiting() -> None:
    factories.make_ticket(language="fr-CA")
    factories.make_agent(languages={"fr": 3})

    assert run_wave() == 1


@pytest.mark.parametrize(
    "leave",
    [
        presence.go_away,
        presence.go_offline,
        roster.restrict,
        lambda agent, at: Presence.objects.update(seen_at=at - SILENCE),
    ],
    ids=["away", "offline", "restricted", "silent"],
)
def test_whoever_is_not_here_is_not_asked(leave: Any) -> None:
    factories.make_ticket()
    leave(factories.make_agent(), at=clock.now())

    assert run_wave() == 0


def test_whoever_is_full_is_not_asked() -> None:
    factories.make_assignment()
    factories.make_ticket()

    assert run_wave() == 0


def test_a_client_without_a_card_in_force_gets_no_offer_and_keeps_nobody_from_others() -> None:
    unpaid = factories.make_ticket(factories.make_client("other"), urgency="high")
    paid = factories.make_ticket()
    for _ in range(2):
        factories.make_agent()

    run_wave()

    assert set(asked()) == {paid.pk}
    assert Ticket.objects.get(pk=unpaid.pk).status == "queued"


def test_the_urgent_are_offered_first() -> None:
    factories.make_ticket(at=clock.now() - 20 * SECOND)
    urgent = factories.make_ticket(urgency="high")
    factories.make_agent()

    run_wave()

    assert set(asked()) == {urgent.pk}


def test_a_ticket_past_its_patience_is_offered_to_nobody() -> None:
    factories.make_ticket(at=clock.now() - timedelta(minutes=4))
    factories.make_agent()

    assert run_wave() == 0


def test_a_closed_ticket_is_offered_to_nobody() -> None:
    lifecycle.abandon(factories.make_ticket(), reason="left", at=clock.now())
    factories.make_agent()

    assert run_wave() == 0


def test_a_wave_costs_the_same_few_queries_however_many_wait() -> None:
    for _ in range(3):
        factories.make_ticket()
        factories.make_agent(languages={"en": 5, "fr": 4})
    run_wave()
    Offer.objects.all().delete()
    Ticket.objects.update(offered=False)
    Presence.objects.update(load=0)
    with CaptureQueriesContext(connection) as few:
        run_wave()

    for _ in range(20):
        factories.make_ticket()
        factories.make_agent(languages={"en": 5, "fr": 4})
    with CaptureQueriesContext(connection) as many:
        assert run_wave() == 20

    assert len(many) == len(few)


def test_whoever_waited_too_long_is_told() -> None:
    factories.make_endpoint()
    overdue = factories.make_ticket(at=clock.now() - timedelta(minutes=4))
    waiting = factories.make_ticket()

    assert wave.give_up_overdue(at=clock.now()) == 1

    overdue.refresh_from_db()
    waiting.refresh_from_db()
    assert (overdue.status, overdue.disposition) == ("unavailable", "no_agent")
    assert waiting.status == "queued"
    assert WebhookDelivery.objects.get().type == "ticket.unavailable"


def test_nobody_is_told_while_somebody_may_be_reading_the_offer() -> None:
    ticket = factories.make_ticket()
    offer = factories.make_offer(ticket)
    Ticket.objects.update(give_up_at=clock.now() - SECOND)

    assert wave.give_up_overdue(at=clock.now()) == 0

    offers.decline(offer, at=clock.now())
    assert wave.give_up_overdue(at=clock.now()) == 1


def test_whoever_is_being_served_is_not_told() -> None:
    factories.make_assignment()
    Ticket.objects.update(give_up_at=clock.now() - SECOND)

    assert wave.give_up_overdue(at=clock.now()) == 0


def test_a_ticket_the_only_free_agent_passed_on_does_not_stand_in_the_way() -> None:
    factories.make_agent()
    passed = factories.make_ticket(at=clock.now() - 20 * SECOND)
    run_wave()
    offers.decline(Offer.objects.get(), at=clock.now())
    behind = factories.make_ticket()

    assert run_wave() == 1
    assert set(asked()) == {behind.pk}
    assert Ticket.objects.get(pk=passed.pk).status == Ticket.Status.QUEUED


def test_a_client_without_a_rate_card_does_not_stand_in_the_way() -> None:
    factories.make_agent()
    factories.make_ticket(factories.make_client("unpaid"), at=clock.now() - 20 * SECOND)
    behind = factories.make_ticket(Client.objects.get(slug=RateCard.objects.get().client))

    assert run_wave() == 1
    assert set(asked()) == {behind.pk}
