"""An agent is paused by a third offer without an answer, before any wave can offer again."""

from typing import Any

import pytest

from agents import presence
from dispatch import offers
from dispatch.models import Offer
from tests import factories
from tickets import clock

pytestmark = pytest.mark.django_db


def test_an_agent_paused_by_a_third_timeout_gets_no_new_offer_in_between(
    hints_at_once: None, django_capture_on_commit_callbacks: Any
) -> None:
    offer = factories.make_offer()
    presence.record_timeouts([offer.agent_id], at=clock.now())
    presence.record_timeouts([offer.agent_id], at=clock.now())
    offers.show([(offer.pk, offer.agent_id)], at=clock.now())
    Offer.objects.update(expires_at=clock.now())

    with django_capture_on_commit_callbacks(execute=True):
        offers.expire_overdue(at=clock.now())

    assert factories.read_presence(offer.agent).paused
    assert Offer.objects.get() == offer
