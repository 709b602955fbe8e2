"""The page parser reads what the desk's HTML shows."""

import pytest

from dispatch.loadtest import page_parser
from dispatch.loadtest.page_parser import PageMessage
from dispatch.models import Assignment
from dispatch.realtime import push
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def work() -> Assignment:
    held = factories.make_assignment(agent=factories.make_agent(capacity=2))
    factories.make_message(held.ticket, "Is <b>it</b> & me?")
    return held


def test_desk_shows_offers_conversations_and_presence(client, work: Assignment) -> None:
    offer = factories.make_offer(agent=work.agent)
    client.force_login(work.agent.user)

    shown = page_parser.read(client.get("/desk/").content.decode())

    assert shown.offers == [str(offer.pk)]
    assert shown.conversations == [str(work.pk)]
    assert shown.presence == "available"
    assert shown.signature


def test_open_page_shows_messages_and_stage(client, work: Assignment) -> None:
    client.force_login(work.agent.user)
    position = {"conversation": str(work.pk), "after": 0, "stage": "wrapping"}

    shown = page_parser.read(client.get("/desk/state", position).content.decode())

    assert shown.messages == [PageMessage("customer", 1, "", "Is <b>it</b> & me?")]
    assert shown.stage == "talking"


def test_agent_message_has_its_number(client, work: Assignment) -> None:
    client.force_login(work.agent.user)
    number = "0b7f6a52-3c0b-4a44-9a39-8a86b4bb1f0c"
    form = {"text": "Yes.", "client_message_id": number, "conversation": str(work.pk), "after": 1}

    answer = client.post(
        f"/desk/conversations/{work.pk}/messages", form, headers={"hx-request": "true"}
    )

    assert page_parser.read(answer.content.decode()).messages == [
        PageMessage("agent", 2, number, "Yes.")
    ]


def test_pushed_card_has_its_offer() -> None:
    offer = factories.make_offer()

    assert page_parser.read(push.render_card(offer)).offers == [str(offer.pk)]


def test_login_page_has_the_token_of_its_form(client) -> None:
    page = client.get("/desk/login/").content.decode()

    assert len(page_parser.read_token(page)) == 64
