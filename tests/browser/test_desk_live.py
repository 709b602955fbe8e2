"""The desk in a real browser: offer cards, automatic acceptance and pauses."""

from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F
from playwright.sync_api import Page, expect

from agents import presence
from agents.models import Agent
from dispatch import offers
from dispatch.models import Assignment, Offer
from tests.browser.inbox import await_true
from tests.browser.test_lost_line import PASSWORD, log_in
from tests.factories import make_agent, make_card, make_offer, make_ticket, read_presence
from tests.platform import Platform
from tickets import clock

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

# The page reads every response two seconds late.
ANSWERS_COME_LATE = """() => {
  const { send } = XMLHttpRequest.prototype;
  XMLHttpRequest.prototype.send = function (body) {
    const { onload } = this;
    this.onload = () => setTimeout(() => onload.call(this), 2000);
    send.call(this, body);
  };
}"""


@pytest.fixture
def amina(platform: Platform) -> Agent:
    make_card()
    return make_agent("Amina", username="amina", password=PASSWORD, available=False)


def status() -> str:
    return Offer.objects.latest("sent_at").status


def await_card(phone: Page) -> Any:
    card = phone.locator("article.offer")
    expect(card).to_be_visible(timeout=15_000)
    return card


def test_a_shown_card_has_its_minute_and_after_a_reload_the_rest(amina: Agent, phone: Page):
    log_in(phone, "amina")
    make_ticket()
    card = await_card(phone)
    took = await_true(lambda: status() == "shown", seconds=5)
    print(f"\nshown on the server {took:.2f} s after it was seen on the page")
    expect(card.locator(".remaining")).to_have_text("0:58")

    phone.reload()

    expect(card).not_to_have_attribute("data-unshown", "")
    by = Offer.objects.get().answer_by
    left = (by - clock.now()).total_seconds()
    minutes, seconds = card.locator(".remaining").inner_text().split(":")
    assert abs(60 * int(minutes) + int(seconds) - left) < 3


def test_a_taken_card_says_so_and_is_dismissed_by_a_tap(amina: Agent, phone: Page):
    log_in(phone, "amina")
    make_ticket()
    card = await_card(phone)
    mine = Offer.objects.get()
    elsa = make_agent("Elsa")

    offers.accept(make_offer(mine.ticket, elsa, slot=1), at=clock.now())

    expect(card).to_contain_text("Somebody else took this one first. Nothing changes for you.")
    expect(phone.locator("#announce")).to_contain_text("Somebody else took this one first.")
    expect(card.locator("[data-action=accept]")).to_be_hidden()
    card.click()
    expect(card).to_have_count(0)


def test_passing_takes_one_key_and_the_question_disappears(amina: Agent, phone: Page):
    log_in(phone, "amina")
    make_ticket()
    await_card(phone)
    phone.keyboard.press("p")

    question = phone.locator("#passed")
    expect(question).to_contain_text("Why?")
    assert status() == "declined"
    question.get_by_text("Not my topic").click()
    expect(question).to_contain_text("Thank you.")
    assert Offer.objects.get().declined_because == "not_my_topic"
    expect(question).to_be_empty(timeout=15_000)


def test_the_question_appears_even_if_the_socket_was_faster(amina: Agent, phone: Page):
    log_in(phone, "amina")
    make_ticket()
    card = await_card(phone)
    phone.evaluate(ANSWERS_COME_LATE)
    phone.keyboard.press("p")

    expect(card).to_be_hidden()
    expect(phone.locator("#passed")).to_contain_text("Why?")
    expect(card).to_have_count(0)


def test_an_agent_with_automatic_acceptance_is_led_to_conversations(amina: Agent, phone: Page):
    log_in(phone, "amina")
    phone.fill("input[name=limit]", "4")
    phone.click("[data-action=start-auto-accept]")
    expect(phone.locator(".auto-accept")).to_contain_text("at most 4 an hour")
    expect(phone.locator("[data-action=start-auto-accept]")).to_be_hidden()

    make_ticket()

    expect(phone.locator("textarea[name=text]")).to_be_visible(timeout=15_000)
    assert Assignment.objects.get().offer.auto_accepted
    phone.goto("/desk/")
    phone.wait_for_timeout(500)
    phone.click("[data-action=stop-auto-accept]")
    expect(phone.locator("[data-action=start-auto-accept]")).to_be_visible()
    assert not read_presence(amina).auto_accept


def test_a_third_expired_offer_pauses_the_agent_until_a_tap(amina: Agent, phone: Page):
    log_in(phone, "amina")
    for _ in range(2):
        presence.record_timeouts([amina.pk], at=clock.now())
    make_ticket()
    await_card(phone)
    await_true(lambda: status() == "shown", seconds=5)
    Offer.objects.update(expires_at=F("expires_at") - timedelta(minutes=2))

    expect(phone.locator("#status")).to_contain_text("Paused", timeout=15_000)
    expect(phone.locator("#announce")).to_contain_text("Three offers in a row found no answer")
    expect(phone).to_have_title("Paused · Desk · Relève")
    phone.get_by_role("button", name="I am back").click()
    expect(phone.locator("#status")).to_contain_text("Online")
