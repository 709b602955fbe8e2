"""Escalate, then offer: a bot escalates and an agent gets an offer with its pay."""

from typing import Any

import pytest

from dispatch.models import Offer

pytestmark = pytest.mark.django_db


def test_an_escalation_is_offered_at_once_to_a_free_agent_with_its_pay(world: Any) -> None:
    amina = world.desk("Amina")

    ticket = world.escalate()

    assert amina.offer.ticket == ticket
    assert amina.offer.quote.amount == 150 + 8 * 30
    assert world.state(ticket)["status"] == "queued"


def test_an_escalation_waits_until_an_agent_comes(world: Any) -> None:
    ticket = world.escalate()
    assert not Offer.objects.exists()

    amina = world.desk("Amina")

    assert amina.offer.ticket == ticket


def test_an_agent_who_finishes_gets_the_next_offer_at_once(world: Any) -> None:
    amina = world.desk("Amina")
    world.escalate()
    amina.accept()
    second = world.escalate()
    amina.act("resolve", disposition="solved")

    amina.act("finish")

    assert amina.offer.ticket == second


def test_an_offer_sends_no_webhook(world: Any) -> None:
    world.desk()

    world.escalate()

    assert world.receiver.kinds == []
