"""Three recorded real conversations, played from escalation to payment."""

import json
import uuid
from typing import Any

import pytest
import urllib3
from playwright.sync_api import Page, expect

from agents.models import JournalEntry, JournalLine
from dispatch.models import Assignment
from tests.browser.conftest import DATA
from tests.browser.inbox import Inbox, await_true
from tests.factories import make_agent, make_card, make_client, make_endpoint, make_key
from tests.platform import Platform
from tests.receiver import Receiver
from tickets.models import Ticket, WebhookDelivery

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
RECORDED = DATA / "abcd_conversations.jsonl"
PASSWORD = "only-for-this-test-7315"


class Bot:
    """The chatbot of a client, which calls the public API."""

    def __init__(self, platform: Platform, key: str) -> None:
        self.url = f"{platform.url}/api/v1"
        self.http = urllib3.PoolManager(headers={"authorization": f"Bearer {key}"})

    def post(self, path: str, body: dict[str, Any], **headers: str) -> dict[str, Any]:
        sent = {**self.http.headers, **headers, "content-type": "application/json"}
        answer = self.http.request("POST", self.url + path, body=json.dumps(body), headers=sent)
        assert answer.status in (200, 201), answer.data
        return answer.json()

    def escalate(self, recorded: dict[str, Any]) -> str:
        asked = {
            "version": 1,
            "conversation_ref": f"abcd-{recorded['id']}",
            "customer": {"ref": str(recorded["id"]), "name": recorded["customer"]["name"].title()},
            "language": "en",
            "topic": recorded["subflow"].replace("_", "-"),
            "summary": f"{recorded['flow']}: {recorded['subflow']}",
            "transcript": [
                {"role": "customer", "at": "2026-11-22T10:00:00Z", "text": "I want a human"}
            ],
            "context": {"member_level": recorded["customer"]["member_level"]},
        }
        return self.post("/escalations", asked, **{"idempotency-key": str(uuid.uuid4())})["ticket"]


def recorded_conversations() -> list[dict[str, Any]]:
    if not RECORDED.exists():
        return []
    return [json.loads(line) for line in RECORDED.read_text().splitlines()]


@pytest.mark.skipif(not RECORDED.exists(), reason=f"the recorded conversations are not at {DATA}")
def test_three_recorded_conversations_are_paid_in_the_ledger(
    platform: Platform, receiver: Receiver, phone: Page
):
    client = make_client(slug="shop")
    make_card(client="shop")
    inbox = Inbox(receiver, make_endpoint(client, url=receiver.url).secret)
    agent = make_agent("Amina", username="amina", password=PASSWORD, available=False)
    bot = Bot(platform, make_key(client))
    log_in(phone, "amina")

    for recorded in recorded_conversations():
        play(recorded, bot, phone, inbox)

    assert_paid(agent, conversations=3)
    await_true(lambda: not WebhookDelivery.objects.unsent().exists())


def log_in(phone: Page, username: str) -> None:
    phone.goto("/desk/")
    phone.fill("input[name=username]", username)
    phone.fill("input[name=password]", PASSWORD)
    phone.press("input[name=password]", "Enter")
    phone.click("[data-action=go-available]")
    expect(phone.locator("body")).to_have_attribute("data-line", "open")


def play(recorded: dict[str, Any], bot: Bot, phone: Page, inbox: Inbox) -> None:
    """Play a conversation: the customer writes by API, the agent types in the browser."""
    ticket = bot.escalate(recorded)
    offer = phone.locator("article.offer")
    expect(offer).to_contain_text("€")
    offer.locator("[data-action=accept]").click()
    expect(phone.locator("textarea[name=text]")).to_be_visible()
    words: list[str] = []
    for number, turn in enumerate(recorded["messages"]):
        if turn["role"] == "customer":
            said = {"client_message_id": str(number), "text": turn["text"]}
            bot.post(f"/tickets/{ticket}/messages", said)
            expect(phone.locator("#thread .message").last).to_contain_text(turn["text"])
        elif turn["role"] == "agent":
            say(phone, turn["text"])
            words.append(turn["text"])
            await_true(lambda said=tuple(words): inbox.agent_words(ticket) == list(said))
    end(phone)
    await_true(lambda: inbox.kinds(ticket)[-1] == "ticket.resolved")
    versions = [news["data"]["version"] for news in inbox.about(ticket)]
    assert versions == sorted(versions)
    assert inbox.kinds(ticket)[0] == "ticket.answered"


def say(phone: Page, text: str) -> None:
    phone.fill("textarea[name=text]", text)
    phone.press("textarea[name=text]", "Enter")
    expect(phone.locator("#thread .message[data-from=agent]").last).to_contain_text(text)


def end(phone: Page) -> None:
    """Resolve, and end the wrap-up."""
    phone.click("[data-action=open-resolve]")
    phone.check("input[name=disposition][value=solved]")
    phone.click("[data-action=resolve]")
    phone.click("[data-action=finish]")
    expect(phone.locator("[data-action=go-away]")).to_be_visible()


def assert_paid(agent: Any, *, conversations: int) -> None:
    entries = JournalEntry.objects.filter(agent=agent)
    owed = JournalLine.objects.filter(account=f"agent:{agent.pk}:payable")
    promised = [work.offer.quote.amount for work in Assignment.objects.select_related("offer")]
    assert entries.count() == len(promised) == conversations
    assert -sum(line.amount for line in owed) >= sum(promised)
    assert set(Ticket.objects.values_list("status", flat=True)) == {"resolved"}
