"""Assignments: the agent who holds a ticket may act on it, is paid once, and can lose it."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from agents import presence
from agents.models import JournalEntry
from agents.pay import ledger
from dispatch import assignments
from dispatch.errors import AssignmentOver
from dispatch.models import Assignment, Offer
from tests import factories
from tests.refusals import refused_by
from tickets import clock, conversation, lifecycle
from tickets.models import Message, Ticket

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)
ACTS: dict[str, Callable[[Assignment], object]] = {
    "say": lambda held: assignments.say(
        held, text="Hi", client_message_id="1", sent_by=held.agent.user, at=clock.now()
    ),
    "resolve": lambda held: assignments.resolve(held, disposition="solved", at=clock.now()),
    "hand_back": lambda held: assignments.hand_back(held, reason="wrong_team", at=clock.now()),
}


@pytest.fixture
def at() -> datetime:
    """The start of the conversation."""
    return clock.now()


@pytest.fixture
def held(at: datetime) -> Assignment:
    """An assignment promised 390: 150 a ticket and 30 a minute for eight expected minutes."""
    factories.make_card(least=0)
    return factories.make_assignment(at=at)


def reload(held: Assignment) -> Assignment:
    return Assignment.objects.get(pk=held.pk)


def test_an_agents_message_is_added_to_the_conversation(held: Assignment, at: datetime) -> None:
    said = assignments.say(held, text="Hi", client_message_id="1", sent_by=held.agent.user, at=at)

    assert (said.origin, said.text, said.seq, said.sent_by) == ("agent", "Hi", 1, held.agent.user)


def test_the_same_message_sent_twice_is_added_once(held: Assignment) -> None:
    first, again = ACTS["say"](held), ACTS["say"](held)

    assert first == again
    assert Message.objects.count() == 1


@pytest.mark.parametrize("act", ACTS)
def test_an_agent_who_lost_the_ticket_is_refused(held: Assignment, at: datetime, act: str) -> None:
    assignments.lose(held, at=at)
    taken = factories.make_assignment(ticket=held.ticket, agent=factories.make_agent())

    with pytest.raises(AssignmentOver):
        ACTS[act](held)

    assert assignments.hold(taken).status == "active"
    assert not Message.objects.exists()


@pytest.mark.parametrize("act", ACTS)
def test_acting_on_an_ended_assignment_is_refused(held: Assignment, at: datetime, act: str) -> None:
    assignments.resolve(held, disposition="solved", at=at)

    with pytest.raises(AssignmentOver):
        ACTS[act](held)


def test_a_new_agent_may_reuse_message_ids_of_the_lost_agent(
    held: Assignment, at: datetime
) -> None:
    ACTS["say"](held)
    assignments.lose(held, at=at)
    taken = factories.make_assignment(ticket=held.ticket, agent=factories.make_agent())

    said = assignments.say(
        taken, text="Other", client_message_id="1", sent_by=taken.agent.user, at=at
    )

    assert (said.seq, said.text) == (2, "Other")


@pytest.mark.parametrize(("act", "ending"), [("resolve", "resolved"), ("hand_back", "handed_back")])
def test_ending_the_conversation_begins_wrap_up(held: Assignment, act: str, ending: str) -> None:
    ACTS[act](held)

    over = reload(held)
    assert (over.ending, over.finished_at, over.paid) == (ending, None, None)
    assert over.ended_at
    assert over.wrap_up_by == over.ended_at + held.ticket.client.wrap_up
    assert factories.read_presence(held.agent).load == 1


def test_a_customer_who_leaves_begins_wrap_up_too(held: Assignment, at: datetime) -> None:
    lifecycle.abandon(held.ticket, reason="left", at=at)

    assert reload(held).ending == "abandoned"
    assert reload(held).wrap_up_by


def test_finishing_wrap_up_pays_the_agent_and_frees_their_place(
    held: Assignment, at: datetime
) -> None:
    assignments.resolve(held, disposition="solved", at=at + MINUTE)

    done = assignments.finish(held, note="Sent a new card.", at=at + 2 * MINUTE)

    entry = JournalEntry.objects.get()
    place = factories.read_presence(held.agent)
    assert (done.paid, done.note, done.finished_at) == (390, "Sent a new card.", at + 2 * MINUTE)
    assert (entry.source_type, entry.source_id, entry.agent) == ("assignment", held.pk, held.agent)
    assert entry.memo == {"quote": held.offer.pay, "engaged_s": 120}
    assert ledger.sum_earnings(held.agent, since=at) == {"EUR": 390}
    assert (place.load, place.idle_since) == (0, at + 2 * MINUTE)


def test_time_beyond_the_expected_minutes_is_paid(held: Assignment, at: datetime) -> None:
    assignments.resolve(held, disposition="solved", at=at + 20 * MINUTE)

    done = assignments.finish(held, at=at + 21 * MINUTE)

    assert done.paid == 150 + 21 * 30


def test_wrap_up_is_paid_up_to_its_limit(held: Assignment, at: datetime) -> None:
    assignments.resolve(held, disposition="solved", at=at + 20 * MINUTE)

    done = assignments.finish(held, at=at + 60 * MINUTE)

    assert done.finished_at == at + 20 * MINUTE + held.ticket.client.wrap_up
    assert done.paid == 150 + 22 * 30


def test_finishing_twice_pays_once(held: Assignment, at: datetime) -> None:
    assignments.resolve(held, disposition="solved", at=at)
    first = assignments.finish(held, at=at)

    again = assignments.finish(held, at=at + MINUTE)

    assert (again.finished_at, again.paid) == (first.finished_at, first.paid)
    assert JournalEntry.objects.count() == 1
    assert factories.read_presence(held.agent).load == 0


def test_a_conversation_that_goes_on_can_not_be_finished(held: Assignment, at: datetime) -> None:
    with pytest.raises(AssignmentOver):
        assignments.finish(held, at=at)

    assert not JournalEntry.objects.exists()


def test_overdue_wrap_ups_are_finished(held: Assignment) -> None:
    past = clock.now() - timedelta(hours=1)
    Assignment.objects.update(started_at=past)
    assignments.resolve(held, disposition="solved", at=past + MINUTE)

    assert assignments.finish_overdue(at=clock.now()) == 1

    assert reload(held).finished_at == past + MINUTE + held.ticket.client.wrap_up
    assert reload(held).paid == 390


def test_wrap_ups_with_time_left_are_not_finished(held: Assignment) -> None:
    assignments.resolve(held, disposition="solved", at=clock.now())

    assert assignments.finish_overdue(at=clock.now()) == 0


def test_a_lost_agent_is_paid_for_the_minutes_and_freed(held: Assignment, at: datetime) -> None:
    assignments.lose(held, at=at + 3 * MINUTE)

    lost = reload(held)
    assert (lost.ending, lost.paid, lost.finished_at) == ("lost", 90, at + 3 * MINUTE)
    assert ledger.sum_earnings(held.agent, since=at) == {"EUR": 90}
    assert factories.read_presence(held.agent).load == 0


def test_a_lost_ticket_is_requeued_at_the_head(held: Assignment, at: datetime) -> None:
    waiting = factories.make_ticket(at=at)

    assignments.lose(held, at=at + MINUTE)

    assert list(Ticket.objects.queued().in_order()) == [held.ticket, waiting]


def test_losing_twice_requeues_and_pays_once(held: Assignment, at: datetime) -> None:
    assignments.lose(held, at=at + MINUTE)

    assignments.lose(held, at=at + 2 * MINUTE)

    assert reload(held).paid == 30
    assert Ticket.objects.get().status == "queued"


def test_an_agent_lost_during_wrap_up_is_paid_in_full(held: Assignment, at: datetime) -> None:
    assignments.resolve(held, disposition="solved", at=at + MINUTE)

    assignments.lose(held, at=at + 90 * MINUTE / 60)

    assert (reload(held).ending, reload(held).paid) == ("resolved", 390)
    assert Ticket.objects.get().status == "resolved"


def test_an_agent_lost_at_once_is_paid_nothing(held: Assignment, at: datetime) -> None:
    assignments.lose(held, at=at)

    assert reload(held).paid == 0
    assert not JournalEntry.objects.exists()


def test_an_agent_who_is_gone_loses_all_their_conversations(at: datetime) -> None:
    agent = factories.make_agent(capacity=3)
    talking, wrapping = (factories.make_assignment(agent=agent, at=at) for _ in range(2))
    assignments.resolve(wrapping, disposition="solved", at=at)
    presence.go_offline(agent, at=at)

    assert assignments.sweep_gone(at=clock.now()) == 2

    assert Ticket.objects.get(pk=talking.ticket_id).status == "queued"
    assert Ticket.objects.get(pk=wrapping.ticket_id).status == "resolved"
    assert factories.read_presence(agent).load == 0


def test_a_present_agent_keeps_their_conversations(held: Assignment) -> None:
    assert assignments.sweep_gone(at=clock.now()) == 0
    assert assignments.hold(held) == held.ticket


def test_going_offline_requeues_the_agents_ticket(
    held: Assignment, at: datetime, django_capture_on_commit_callbacks: Callable[..., object]
) -> None:
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[attr-defined]
        presence.go_offline(held.agent, at=at + MINUTE)

    assert reload(held).ending == "lost"
    assert Ticket.objects.get().status == "queued"


def test_the_customer_may_write_while_the_ticket_is_requeued(
    held: Assignment, at: datetime
) -> None:
    assignments.lose(held, at=at)

    factories.make_message(held.ticket, "Still there?")

    assert [one.text for one in conversation.list_messages(held.ticket)] == ["Still there?"]


def make_second_offer(held: Assignment) -> Offer:
    return Offer.objects.create(
        ticket=held.ticket,
        agent=held.agent,
        status="accepted",
        pay=held.offer.pay,
        sent_at=held.started_at,
        settled_at=held.started_at,
        expires_at=held.started_at + MINUTE,
    )


def test_the_database_refuses_two_open_assignments_of_one_ticket(held: Assignment) -> None:
    offer = make_second_offer(held)

    with refused_by("one_open_assignment_per_ticket"):
        Assignment.objects.create(
            offer=offer, ticket=held.ticket, agent=held.agent, epoch=2, started_at=held.started_at
        )


def test_the_database_refuses_two_assignments_of_one_epoch(held: Assignment, at: datetime) -> None:
    offer = make_second_offer(held)

    with refused_by("one_assignment_per_epoch"):
        Assignment.objects.create(
            offer=offer,
            ticket=held.ticket,
            agent=held.agent,
            epoch=1,
            started_at=at,
            ended_at=at,
        )


def test_the_database_refuses_finished_before_it_ended(held: Assignment, at: datetime) -> None:
    with refused_by("finished_after_it_ended"):
        Assignment.objects.update(finished_at=at)
