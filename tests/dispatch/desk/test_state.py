"""The fragment that updates an open page."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from agents import presence
from agents.models import Agent
from agents.models.presence import SILENCE
from dispatch import assignments
from dispatch.desk import state
from dispatch.models import Assignment
from tests import factories
from tests.dispatch.desk.conftest import Browser
from tickets import clock


@pytest.fixture
def work(amina: Agent) -> Assignment:
    return factories.make_assignment(agent=amina)


def position(agent: Agent, work: Assignment | None = None, **given: Any) -> dict[str, Any]:
    """The parameters of a page that is up to date."""
    talk = {"conversation": str(work.pk), "after": 0, "stage": "talking"} if work else {}
    return {"signature": state.signatures([agent.pk])[agent.pk], **talk, **given}


def test_an_unchanged_desk_is_answered_204(live: Browser, amina: Agent) -> None:
    answer = live.look("state", **position(amina))

    assert (answer.status_code, answer.content) == (204, b"")


def test_an_old_signature_returns_every_part_and_a_new_signature(
    live: Browser, amina: Agent
) -> None:
    offer = factories.make_offer(agent=amina)

    page = live.look("state", signature="old").content.decode()

    parts = ["signature", "status", "earned-today", "offers", "presence", "conversations", "today"]
    assert [f'id="{part}"' in page for part in parts] == [True] * len(parts)
    assert f'data-signature="{position(amina)["signature"]}"' in page
    assert f'data-offer="{offer.pk}"' in page


def test_a_state_request_renews_presence(live: Browser, amina: Agent) -> None:
    before = clock.now()
    presence.record_heartbeats([amina.pk], at=before - SILENCE)

    live.look("state", **position(amina))

    assert factories.read_presence(amina).seen_at > before


def test_a_state_request_keeps_an_offline_agent_offline(live: Browser, amina: Agent) -> None:
    presence.go_offline(amina, at=clock.now())

    live.look("state", signature="old")

    assert factories.read_presence(amina).status == "offline"


def test_only_messages_new_to_the_page_are_sent(
    live: Browser, amina: Agent, work: Assignment
) -> None:
    for text in ("One", "Two", "Three"):
        factories.make_message(work.ticket, text)

    page = live.look("state", **position(amina, work, after=2)).content.decode()

    assert "Three" in page
    assert ">Two<" not in page
    assert 'id="work"' not in page


def test_an_unchanged_conversation_is_answered_204(
    live: Browser, amina: Agent, work: Assignment
) -> None:
    factories.make_message(work.ticket, "One")

    assert live.look("state", **position(amina, work, after=1)).status_code == 204


def test_the_panel_is_sent_only_when_the_stage_changed(
    live: Browser, amina: Agent, work: Assignment
) -> None:
    assignments.resolve(work, disposition="solved", at=clock.now())

    changed = live.look("state", **position(amina, work)).content.decode()
    same = live.look("state", **position(amina, work, stage="wrapping"))

    assert 'id="work"' in changed
    assert same.status_code == 204


def test_a_finished_conversation_leaves_the_page_with_its_pay(
    live: Browser, amina: Agent, work: Assignment
) -> None:
    factories.make_message(work.ticket, "My secret")
    assignments.resolve(work, disposition="solved", at=clock.now())
    assignments.finish(work, at=clock.now() + timedelta(seconds=1))

    page = live.look("state", **position(amina, work, stage="wrapping")).content.decode()

    assert "This conversation is over." in page
    assert "It pays you €3.90." in page
    assert "My secret" not in page


def test_a_lost_conversation_says_that_another_agent_has_it(
    live: Browser, amina: Agent, work: Assignment
) -> None:
    assignments.lose(work, at=clock.now())

    page = live.look("state", **position(amina, work)).content.decode()

    assert "This conversation went to somebody else." in page


def test_another_agents_conversation_is_not_found(live: Browser, amina: Agent) -> None:
    theirs = factories.make_assignment(agent=factories.make_agent("Elsa"))

    answers = [live.look("state", conversation=given) for given in (theirs.pk, uuid4())]

    assert [answer.status_code for answer in answers] == [404, 404]


@pytest.mark.parametrize(
    "odd", [{"after": "x"}, {"after": -1}, {"stage": "gone"}, {"conversation": "x"}]
)
def test_an_invalid_position_counts_as_none(live: Browser, odd: dict[str, Any]) -> None:
    assert live.look("state", **odd).status_code == 200


def test_the_list_marks_conversations_that_wait_for_the_agent(
    live: Browser, amina: Agent, work: Assignment
) -> None:
    def turn() -> str:
        page = live.look("state", signature="old").content.decode()
        words = {"Say hello", "1 to answer", "Their turn", "Wrap-up"}
        return next(word for word in words if word in page)

    seen = [turn()]
    factories.make_message(work.ticket, "Hello?")
    seen.append(turn())
    assignments.say(work, text="Yes", client_message_id="a", sent_by=amina.user, at=clock.now())
    seen.append(turn())
    assignments.resolve(work, disposition="solved", at=clock.now())
    seen.append(turn())

    assert seen == ["Say hello", "1 to answer", "Their turn", "Wrap-up"]
