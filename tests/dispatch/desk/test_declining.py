"""Declining an offer, and the optional question why."""

from uuid import uuid4

import pytest

from agents.models import Agent
from dispatch import offers
from dispatch.desk import forms
from dispatch.models import Offer
from tests import factories
from tests.dispatch.desk.conftest import Browser
from tickets import clock

QUESTION = "Why? (optional, only counted over all)"


@pytest.fixture
def offer(amina: Agent) -> Offer:
    return factories.make_offer(agent=amina)


def test_the_form_offers_all_reasons() -> None:
    assert [code for code, _ in forms.PASS_REASONS] == list(offers.REASONS)


def test_passing_shows_a_button_for_each_reason(live: Browser, offer: Offer) -> None:
    page = live.act(f"offers/{offer.pk}/decline").content.decode()

    assert 'id="passed" hx-swap-oob="innerHTML"' in page
    assert QUESTION in page
    assert [f'name="because" value="{code}"' in page for code in offers.REASONS] == [True] * 4


def test_the_question_without_scripts_is_shown_once(plain: Browser, offer: Offer) -> None:
    asked = plain.act(f"offers/{offer.pk}/decline", follow=True)

    page = plain.get(asked.url).content.decode()

    assert QUESTION in page
    assert '<meta http-equiv="refresh" content="15;url=/desk/">' in page
    assert QUESTION not in plain.look().content.decode()


def test_an_offer_that_was_not_declined_has_no_question(plain: Browser, offer: Offer) -> None:
    theirs = factories.make_offer(agent=factories.make_agent("Elsa"))
    offers.decline(theirs, at=clock.now())

    pages = [plain.look(passed=given) for given in (offer.pk, theirs.pk, uuid4(), "odd")]

    assert [QUESTION in page.content.decode() for page in pages] == [False] * 4


@pytest.mark.parametrize(
    ("reason", "again"),
    [("not_now", True), ("no_time", True), ("not_my_topic", False), ("too_little_pay", False)],
)
def test_a_reason_for_now_allows_a_new_offer(
    live: Browser, offer: Offer, reason: str, again: bool
) -> None:
    live.act(f"offers/{offer.pk}/decline")

    page = live.act(f"offers/{offer.pk}/because", because=reason).content.decode()

    held = Offer.objects.get()
    assert (held.declined_because, held.may_reoffer) == (reason, again)
    assert "Thank you." in page
    assert ("You stay in line for this ticket." in page) == again


def test_an_unknown_reason_is_refused(live: Browser, offer: Offer) -> None:
    live.act(f"offers/{offer.pk}/decline")

    assert live.act(f"offers/{offer.pk}/because", because="lazy").status_code == 422
    assert Offer.objects.get().declined_because == ""


def test_only_the_first_reason_is_stored(live: Browser, offer: Offer) -> None:
    live.act(f"offers/{offer.pk}/decline")

    for reason in ("not_now", "too_little_pay"):
        live.act(f"offers/{offer.pk}/because", because=reason)

    assert Offer.objects.get().declined_because == "not_now"


def test_an_accepted_offer_takes_no_reason(plain: Browser, offer: Offer) -> None:
    offers.accept(offer, at=clock.now())

    answer = plain.act(f"offers/{offer.pk}/because", because="not_now")

    assert answer.url == "/desk/"
    assert Offer.objects.get().declined_because == ""
