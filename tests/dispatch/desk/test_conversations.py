"""A conversation at the desk: read, say, resolve, hand back, finish."""

from typing import Any
from uuid import uuid4

import pytest

from agents.models import Agent
from dispatch import assignments
from dispatch.models import Assignment
from tests import factories
from tests.dispatch.desk.conftest import Browser
from tickets import clock, lifecycle
from tickets.models import Message, Ticket

VERBS: list[tuple[str, dict[str, Any]]] = [
    ("messages", {"text": "Hello", "client_message_id": str(uuid4())}),
    ("resolve", {"disposition": "solved"}),
    ("hand-back", {"reason": "wrong_team"}),
    ("finish", {}),
]


@pytest.fixture
def work(amina: Agent) -> Assignment:
    ticket = factories.make_ticket(context={"order": "A-1", "premium": True, "since": None})
    return factories.make_assignment(ticket=ticket, agent=amina)


def said(text: str = "Hello", **given: Any) -> dict[str, Any]:
    return {"text": text, "client_message_id": str(uuid4()), **given}


def end(work: Assignment) -> None:
    assignments.resolve(work, disposition="solved", at=clock.now())


def test_the_page_shows_what_the_bot_handed_over(plain: Browser, work: Assignment) -> None:
    page = plain.look(f"conversations/{work.pk}/").content.decode()

    assert "Her card was swallowed." in page
    assert "With the bot: 2 messages" in page
    assert "<bdi>A-1</bdi>" in page
    assert "<bdi>Yes</bdi>" in page
    assert "<bdi>–</bdi>" in page


def test_messages_show_their_number_and_their_author(plain: Browser, work: Assignment) -> None:
    factories.make_message(work.ticket, "Anyone?")

    page = plain.look(f"conversations/{work.pk}/").content.decode()

    assert 'data-from="customer" data-seq="1"' in page


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", "\u202eevil", "👩🏽‍💻 مرحبا", "W" * 10_000, "{{ agent }}"]
)
def test_text_of_a_customer_is_escaped(plain: Browser, work: Assignment, text: str) -> None:
    factories.make_message(work.ticket, text)

    page = plain.look(f"conversations/{work.pk}/").content.decode()

    assert text.replace("<", "&lt;").replace(">", "&gt;") in page
    assert "<script>alert" not in page


def test_a_name_with_bidi_characters_is_isolated(plain: Browser, amina: Agent) -> None:
    customer = {"ref": "c", "name": "\u202e<b>Mia</b>"}
    held = factories.make_assignment(ticket=factories.make_ticket(customer=customer), agent=amina)

    page = plain.look(f"conversations/{held.pk}/").content.decode()

    assert "<h1><bdi>\u202e&lt;b&gt;Mia&lt;/b&gt;</bdi></h1>" in page


def test_an_old_conversation_opens_with_its_newest_messages(
    plain: Browser, work: Assignment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dispatch.desk.conversations.SHOWN_AT_FIRST", 2)
    for number in range(1, 5):
        factories.make_message(work.ticket, f"Line {number}")

    some = plain.look(f"conversations/{work.pk}/").content.decode()
    whole = plain.look(f"conversations/{work.pk}/", whole=1).content.decode()

    assert [f"Line {number}" in some for number in range(1, 5)] == [False, False, True, True]
    assert "Line 1" in whole


def test_sending_without_scripts_redirects_to_the_conversation(
    plain: Browser, work: Assignment
) -> None:
    answer = plain.act(f"conversations/{work.pk}/messages", **said("Hello Mia"))

    assert (answer.status_code, answer.url) == (302, f"/desk/conversations/{work.pk}/")
    assert Message.objects.get().text == "Hello Mia"
    assert Message.objects.get().sent_by == work.agent.user


def test_sending_with_scripts_returns_the_message(live: Browser, work: Assignment) -> None:
    words = said("Hello Mia", conversation=str(work.pk), after=0, stage="talking")

    page = live.act(f"conversations/{work.pk}/messages", **words).content.decode()

    assert f'data-cid="{words["client_message_id"]}"' in page
    assert 'hx-swap-oob="beforeend:#thread"' in page
    assert 'id="work"' not in page


def test_a_message_sent_twice_is_stored_once(live: Browser, work: Assignment) -> None:
    words = said("Hello Mia")

    answers = [live.act(f"conversations/{work.pk}/messages", **words) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert Message.objects.count() == 1


def test_another_text_under_the_same_id_is_a_conflict(live: Browser, work: Assignment) -> None:
    words = said("Hello Mia")
    live.act(f"conversations/{work.pk}/messages", **words)

    answer = live.act(f"conversations/{work.pk}/messages", **{**words, "text": "Goodbye"})

    assert answer.status_code == 409
    assert Message.objects.get().text == "Hello Mia"


@pytest.mark.parametrize(
    "words",
    [
        {"text": ""},
        {"text": "   "},
        {"text": "W" * 10_001},
        {"text": "a\x00b"},
        {"client_message_id": "first"},
    ],
)
def test_an_invalid_message_is_refused_with_a_reason(
    plain: Browser, work: Assignment, words: dict[str, str]
) -> None:
    answer = plain.act(f"conversations/{work.pk}/messages", **said(**words))

    assert answer.status_code == 422
    assert not Message.objects.exists()


def test_resolving_leads_to_wrap_up(plain: Browser, work: Assignment) -> None:
    answer = plain.act(f"conversations/{work.pk}/resolve", disposition="solved", note="Refunded")

    page = plain.get(answer.url).content.decode()
    ticket = Ticket.objects.get()
    assert (ticket.status, ticket.disposition, ticket.note) == ("resolved", "solved", "Refunded")
    assert 'data-stage="wrapping"' in page
    assert 'data-action="finish"' in page


def test_handing_back_leads_to_wrap_up(live: Browser, work: Assignment) -> None:
    position = {"conversation": str(work.pk), "stage": "talking"}

    answer = live.act(f"conversations/{work.pk}/hand-back", reason="wrong_team", **position)

    assert Ticket.objects.get().status == Ticket.Status.HANDED_BACK
    assert "The bot has the conversation again." in answer.content.decode()


@pytest.mark.parametrize(("verb", "field"), [("resolve", "disposition"), ("hand-back", "reason")])
def test_an_unknown_disposition_or_reason_is_refused(
    plain: Browser, work: Assignment, verb: str, field: str
) -> None:
    answers = [
        plain.act(f"conversations/{work.pk}/{verb}", **{field: given}) for given in ("", "x")
    ]

    assert [answer.status_code for answer in answers] == [422, 422]
    assert Ticket.objects.get().is_open


def test_finishing_shows_the_pay(plain: Browser, work: Assignment) -> None:
    end(work)

    answer = plain.act(f"conversations/{work.pk}/finish", note="Kind man")

    page = plain.get(answer.url).content.decode()
    work.refresh_from_db()
    assert (answer.url, work.note) == ("/desk/", "Kind man")
    assert "Done. €3.90 is on your account." in page


def test_finishing_a_conversation_that_goes_on_is_a_conflict(
    plain: Browser, work: Assignment
) -> None:
    assert plain.act(f"conversations/{work.pk}/finish").status_code == 409


def test_sending_after_the_customer_left_is_a_conflict_and_updates_the_page(
    live: Browser, work: Assignment
) -> None:
    lifecycle.abandon(work.ticket, reason="left", at=clock.now())
    position = {"conversation": str(work.pk), "stage": "talking"}

    answer = live.act(f"conversations/{work.pk}/messages", **said(), **position)

    page = answer.content.decode()
    assert answer.status_code == 409
    assert "What you wrote was not sent." in page
    assert 'data-stage="wrapping"' in page


def test_a_conversation_is_readable_until_its_wrap_up_ends(
    plain: Browser, work: Assignment
) -> None:
    end(work)
    during = plain.look(f"conversations/{work.pk}/")
    assignments.finish(work, at=clock.now())
    after = plain.look(f"conversations/{work.pk}/")

    assert (during.status_code, after.status_code) == (200, 404)
    assert "Her card was swallowed." not in after.content.decode()


@pytest.mark.parametrize(("verb", "words"), VERBS)
def test_actions_in_a_finished_conversation_are_refused(
    plain: Browser, work: Assignment, verb: str, words: dict[str, Any]
) -> None:
    end(work)
    assignments.finish(work, at=clock.now())

    answer = plain.act(f"conversations/{work.pk}/{verb}", **words)

    # A late message is answered, so that the page can say that it was not sent.
    assert answer.status_code == {"messages": 409, "finish": 302}.get(verb, 404)
    assert Message.objects.count() == 0


@pytest.mark.parametrize(("verb", "words"), [("", {}), *VERBS])
def test_another_agents_conversation_is_not_found(
    plain: Browser, verb: str, words: dict[str, Any]
) -> None:
    theirs = factories.make_assignment(agent=factories.make_agent("Elsa"))

    answer = (
        plain.act(f"conversations/{theirs.pk}/{verb}", **words)
        if verb
        else plain.look(f"conversations/{theirs.pk}/")
    )

    assert answer.status_code == 404
    assert Ticket.objects.get().status == Ticket.Status.ACTIVE


def test_a_lost_conversation_is_not_found(plain: Browser, work: Assignment) -> None:
    assignments.lose(work, at=clock.now())

    assert plain.look(f"conversations/{work.pk}/").status_code == 404
