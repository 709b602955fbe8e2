"""Reports that an offer is on the screen, which start the minute to answer."""

from datetime import timedelta

import pytest

from agents.models import Agent
from dispatch import offers
from dispatch.models import GRACE, OFFER_LASTS, Offer
from dispatch.realtime import push
from tests import factories
from tests.dispatch.desk.conftest import Browser
from tickets import clock


@pytest.fixture
def offer(amina: Agent) -> Offer:
    return factories.make_offer(agent=amina)


def test_a_page_without_a_socket_reports_by_http(live: Browser, offer: Offer) -> None:
    answer = live.act(f"offers/{offer.pk}/shown")

    held = Offer.objects.get()
    assert (answer.status_code, held.status) == (204, "shown")
    assert held.shown_at is not None
    assert held.expires_at == held.shown_at + OFFER_LASTS + GRACE


def test_reporting_twice_does_not_extend_the_minute(live: Browser, offer: Offer) -> None:
    live.act(f"offers/{offer.pk}/shown")
    before = Offer.objects.get().expires_at

    live.act(f"offers/{offer.pk}/shown")

    assert Offer.objects.get().expires_at == before


def test_an_answered_offer_is_not_shown_again(live: Browser, offer: Offer) -> None:
    offers.accept(offer, at=clock.now())

    assert live.act(f"offers/{offer.pk}/shown").status_code == 204
    assert Offer.objects.get().status == "accepted"


def test_another_agent_cannot_report_an_offer_as_shown(offer: Offer) -> None:
    elsa = factories.make_agent("Elsa")

    said = offers.show([(offer.pk, offer.agent_id), (offer.pk, elsa.pk)], at=clock.now())
    alone = offers.show([(factories.make_offer(agent=elsa).pk, offer.agent_id)], at=clock.now())

    assert (said, alone) == ([offer.pk], [])


def test_a_browser_without_scripts_reports_by_an_image(plain: Browser, offer: Offer) -> None:
    picture = f"offers/{offer.pk}/shown.gif"
    assert (
        f'<noscript><img src="/desk/{picture}" alt=""></noscript>' in plain.look().content.decode()
    )

    answer = plain.look(picture)

    assert (answer.status_code, Offer.objects.get().status) == (204, "shown")


def test_a_prefetched_image_reports_nothing(plain: Browser, offer: Offer) -> None:
    plain.get(f"/desk/offers/{offer.pk}/shown.gif", headers={"sec-purpose": "prefetch;prerender"})

    assert Offer.objects.get().status == "sent"


def test_a_card_sent_to_an_open_page_has_no_image(live: Browser, offer: Offer) -> None:
    fragment = live.look("state", signature="old").content.decode()

    assert f'id="offer-{offer.pk}"' in fragment
    assert "<noscript" not in fragment + push.card(offer)


def test_a_card_asks_to_be_acknowledged_until_it_is(live: Browser, offer: Offer) -> None:
    asks = f'data-unshown="/desk/offers/{offer.pk}/shown"'
    assert asks in push.card(offer)
    assert asks in live.look().content.decode()

    live.act(f"offers/{offer.pk}/shown")

    assert "data-unshown" not in live.look().content.decode()


def test_a_reloaded_card_has_the_countdown_of_the_server(live: Browser, offer: Offer) -> None:
    Offer.objects.update(
        status="shown",
        shown_at=clock.now() - timedelta(seconds=40),
        expires_at=clock.now() + timedelta(seconds=25),
    )

    page = live.look().content.decode()

    by = Offer.objects.get().expires_at - GRACE
    assert f'data-answer-by="{int(by.timestamp() * 1000)}"' in page
