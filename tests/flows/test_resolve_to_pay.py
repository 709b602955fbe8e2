"""Resolve, then pay: the conversation ends and the wrap-up is paid once."""

from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F

from agents.models import JournalEntry
from agents.pay import ledger
from dispatch.models import Assignment
from tests import factories

pytestmark = pytest.mark.django_db


def test_a_resolved_conversation_sends_its_webhook_and_is_paid_after_wrap_up(world: Any) -> None:
    amina = world.desk()
    ticket = world.escalate()
    held = amina.accept()

    amina.act("resolve", disposition="solved", note="New card sent.")
    assert not JournalEntry.objects.exists()
    amina.act("finish", note="")

    assert world.state(ticket)["disposition"] == "solved"
    assert world.receiver.kinds == ["ticket.answered", "ticket.resolved"]
    assert ledger.sum_earnings(amina.agent, since=held.started_at) == {"EUR": 390}
    assert factories.read_presence(amina.agent).load == 0


def test_finishing_twice_pays_once(world: Any) -> None:
    amina = world.desk()
    world.escalate()
    amina.accept()
    amina.act("resolve", disposition="solved")

    for _ in range(2):
        amina.act("finish")

    assert JournalEntry.objects.count() == 1


def test_an_agent_who_forgets_to_finish_is_paid_by_the_scheduler(world: Any) -> None:
    amina = world.desk()
    world.escalate()
    held = amina.accept()
    amina.act("resolve", disposition="solved")
    hour = timedelta(hours=1)
    Assignment.objects.update(
        started_at=F("started_at") - hour,
        ended_at=F("ended_at") - hour,
        wrap_up_by=F("wrap_up_by") - hour,
    )

    world.tick()

    assert JournalEntry.objects.get().source_id == held.pk
    assert factories.read_presence(amina.agent).load == 0


def test_a_handed_back_conversation_is_paid(world: Any) -> None:
    amina = world.desk()
    ticket = world.escalate()
    amina.accept()

    amina.act("hand-back", reason="wrong_team", note="Loans.")
    amina.act("finish")

    assert world.state(ticket)["handback"] == {"reason": "wrong_team", "note": "Loans."}
    assert world.receiver.kinds[-1] == "ticket.handed_back"
    assert JournalEntry.objects.count() == 1
