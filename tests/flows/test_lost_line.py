"""The agent of a conversation is gone: the customer is told and another agent continues."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import pytest

from agents import roster
from agents.models import Presence
from agents.models.presence import SILENCE
from dispatch.models import Assignment
from tests import factories
from tickets import clock
from tickets.models import Message

pytestmark = pytest.mark.django_db


def fall_silent(desk: Any, seconds: float = SILENCE.total_seconds()) -> None:
    """Send no heartbeats of this desk for this long."""
    silent_since = clock.now() - timedelta(seconds=seconds)
    Presence.objects.filter(agent=desk.agent).update(seen_at=silent_since)


def close_the_browser(world: Any, desk: Any) -> None:
    fall_silent(desk)
    world.tick()


def log_out(world: Any, desk: Any) -> None:
    desk.post("logout/", confirmed="1")


def be_restricted(world: Any, desk: Any) -> None:
    with world.commit():
        roster.restrict(desk.agent, at=clock.now())


@pytest.mark.parametrize("seconds", [10, 44])
def test_a_short_gap_changes_nothing(world: Any, seconds: int) -> None:
    amina = world.desk("Amina")
    world.escalate()
    held = amina.accept()
    world.desk("Ben")
    fall_silent(amina, seconds=seconds)

    world.tick()

    assert Assignment.objects.talking().get() == held
    assert world.receiver.kinds == ["ticket.answered"]
    assert amina.act("messages", **words("Still here")) == 302


@pytest.mark.parametrize("leave", [close_the_browser, log_out, be_restricted])
def test_an_agent_who_goes_is_replaced_by_another(
    world: Any, leave: Callable[[Any, Any], None]
) -> None:
    amina = world.desk("Amina")
    ticket = world.escalate(summary="Card swallowed.")
    lost = amina.accept()
    amina.act("messages", **words("One moment."))
    ben = world.desk("Ben")

    leave(world, amina)

    ben.accept()
    assert ben.talk.ticket == ticket
    assert ben.talk.epoch == lost.epoch + 1
    page = ben.http.get(f"/desk/conversations/{ben.talk.pk}/").content.decode()
    assert [word in page for word in ("Card swallowed.", "My card is gone.", "One moment.")] == [
        True,
        True,
        True,
    ]
    assert world.receiver.kinds[-2:] == ["ticket.requeued", "ticket.answered"]
    assert world.receiver.received[-2].news["data"]["reason"] == "agent_lost"
    assert factories.read_presence(amina.agent).load == 0


def test_a_requeued_conversation_is_offered_before_older_tickets(
    world: Any,
) -> None:
    amina = world.desk("Amina")
    lost = world.escalate()
    amina.accept()
    world.escalate(urgency="high")
    fall_silent(amina)
    world.tick()

    ben = world.desk("Ben")

    assert ben.offer.ticket == lost


def test_late_messages_of_a_lost_agent_are_refused_with_a_reason(world: Any) -> None:
    amina = world.desk("Amina")
    world.escalate()
    held = amina.accept()
    fall_silent(amina, seconds=3600)
    world.tick()
    address = f"/desk/conversations/{held.pk}/messages"
    page = {"conversation": str(held.pk), "after": 0, "stage": "talking"}

    answer = amina.http.post(
        address, {**words("I am back!"), **page}, headers={"hx-request": "true"}
    )

    woken = answer.content.decode()
    assert answer.status_code == 409
    assert "This conversation is no longer with you. What you wrote was not sent." in woken
    assert "This conversation went to somebody else." in woken
    assert 'class="unsent"' in woken
    assert not Message.objects.exists()
    assert factories.read_presence(amina.agent).status == "offline"


def test_a_message_stored_before_the_agent_was_lost_is_confirmed_when_sent_again(
    world: Any,
) -> None:
    amina = world.desk("Amina")
    world.escalate()
    held = amina.accept()
    said = words("One moment.")
    amina.act("messages", **said)
    fall_silent(amina)
    world.tick()

    assert amina.post(f"conversations/{held.pk}/messages", **said) == 302
    assert Message.objects.count() == 1


def words(text: str) -> dict[str, str]:
    return {"text": text, "client_message_id": str(uuid5(NAMESPACE_URL, text))}
