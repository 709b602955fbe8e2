"""A conversation whose agent loses the network continues with another agent."""

import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from dispatch.models import Assignment
from tests.browser.conftest import page
from tests.browser.inbox import Inbox, await_true
from tests.factories import (
    make_agent,
    make_card,
    make_client,
    make_endpoint,
    make_message,
    make_ticket,
)
from tests.platform import Platform
from tests.receiver import Receiver
from tickets.models import Message, Ticket

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PASSWORD = "only-for-this-test-4471"
#: 45 s until the agent counts as silent, a second for the scheduler, and the way of the offer.
MOST_SECONDS = 60
#: A second response that ends the conversation, as when a message and an update cross.
END_AGAIN = """() => desk.ask(document.body.dataset.state + "?" + new URLSearchParams(
    {...desk.position(), stage: "talking"}))"""


@pytest.fixture
def other(browser: Browser, platform: Platform) -> Iterator[Page]:
    """Another agent's laptop."""
    yield from page(browser, platform, width=1280, height=720)


def log_in(desk: Page, username: str) -> None:
    desk.goto("/desk/")
    desk.fill("input[name=username]", username)
    desk.fill("input[name=password]", PASSWORD)
    desk.press("input[name=password]", "Enter")
    desk.click("[data-action=go-available]")
    expect(desk.locator("#status")).to_contain_text("Online")
    expect(desk.locator("body")).to_have_attribute("data-line", "open")


def say(desk: Page, text: str) -> None:
    desk.fill("textarea[name=text]", text)
    desk.press("textarea[name=text]", "Enter")


def list_events(inbox: Inbox, ticket: Ticket) -> list[str]:
    """List the webhooks of the ticket's own moves, in the order of their arrival."""
    return [kind for kind in inbox.kinds(str(ticket.pk)) if kind.startswith("ticket.")]


def test_a_conversation_of_a_disconnected_agent_continues_within_a_minute(
    platform: Platform, receiver: Receiver, phone: Page, other: Page
):
    client = make_client(slug="shop")
    make_card(client="shop")
    inbox = Inbox(receiver, make_endpoint(client, url=receiver.url).secret)
    for name in ("amina", "ben"):
        make_agent(name.title(), username=name, password=PASSWORD, available=False)
    log_in(phone, "amina")
    ticket = make_ticket(client, summary="Her card was swallowed.")
    phone.click("article.offer [data-action=accept]")
    say(phone, "Hello Mia, one moment.")
    expect(phone.locator("#thread .message")).to_have_count(1)
    make_message(ticket, "Thank you!")
    expect(phone.locator("#thread .message")).to_have_count(2)
    log_in(other, "ben")

    phone.context.set_offline(True)
    cut = time.monotonic()
    say(phone, "I have found it.")
    expect(phone.locator("#outbox")).to_contain_text("I have found it.")
    phone.wait_for_timeout(10_000)
    assert Assignment.objects.talking().get().agent.name == "Amina"

    offer = other.locator("article.offer")
    expect(offer).to_be_visible(timeout=MOST_SECONDS * 1000)
    offered = time.monotonic() - cut
    offer.locator("[data-action=accept]").click()
    expect(other.locator("#thread")).to_contain_text("Hello Mia, one moment.")
    talking = time.monotonic() - cut
    print(f"\ncut off: offered to another after {offered:.1f} s, talking after {talking:.1f} s")
    assert talking < MOST_SECONDS
    expect(other.locator("#thread")).to_contain_text("Thank you!")
    expect(other.locator("#facts")).to_contain_text("Her card was swallowed.")
    expect(other.locator("#facts")).to_contain_text("With the bot: 2 messages")
    await_true(lambda: list_events(inbox, ticket)[2:] == ["ticket.answered"])
    assert list_events(inbox, ticket) == ["ticket.answered", "ticket.requeued", "ticket.answered"]

    phone.context.set_offline(False)
    unsent = phone.locator(".unsent")
    expect(unsent).to_contain_text("I have found it.", timeout=30_000)
    expect(unsent).to_contain_text("Not sent")
    phone.evaluate(END_AGAIN)
    expect(unsent).to_contain_text("I have found it.")
    expect(phone.locator("#conversation h1")).to_have_text(
        "This conversation went to somebody else."
    )
    said = Message.objects.order_by("seq").values_list("text", flat=True)
    assert list(said) == ["Hello Mia, one moment.", "Thank you!"]
    assert Assignment.objects.talking().get().agent.name == "Ben"
