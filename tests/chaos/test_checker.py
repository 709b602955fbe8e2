"""The checker finds every difference between what an actor was told and the rows, and no other."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from tests.chaos.checker import Finding, check
from tests.chaos.records import Assignment, Delivery, Line, Message, Rows, Ticket

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
LATER = NOON + timedelta(minutes=5)


class Story:
    """A conversation without faults, from the escalation to its pay; a test then adds a fault."""

    def __init__(self) -> None:
        self._clock = count(1.0)
        talk = Assignment("t", "o", 1, NOON, LATER, "resolved", LATER, 320)
        self.lines: list[Line] = []
        self.rows = Rows(
            tickets={"t": Ticket("ref", "resolved", 3)},
            messages=[
                Message("t", 1, "customer", "c1", "Hello?"),
                Message("t", 2, "agent", "1:a1", "Yes."),
                Message("t", 3, "customer", "c2", "Thanks."),
            ],
            offers={"o": "accepted"},
            assignments={"a": talk},
            earnings={"a": [320]},
            deliveries=[
                Delivery("m1", "t", "ticket.answered", 1, True),
                Delivery("m2", "t", "message.created", 2, True),
                Delivery("m3", "t", "ticket.resolved", 3, True),
            ],
        )
        self._customer()
        self._agent()
        for number, kind in enumerate(
            ("ticket.answered", "message.created", "ticket.resolved"), start=1
        ):
            self.receive_webhook(f"m{number}", kind, number)

    def record(self, actor: str, act: str, how: str, **facts: object) -> None:
        self.lines.append({"actor": actor, "at": next(self._clock), "act": act, "how": how} | facts)

    def record_acknowledged(
        self, actor: str, act: str, *, answer: dict[str, object], **facts: object
    ) -> None:
        """Record that it was sent, and acknowledged."""
        self.record(actor, act, "sent", **facts)
        self.record(actor, act, "acked", **facts, **answer)

    def receive_webhook(self, number: str, kind: str, version: int, ticket: str = "t") -> None:
        facts = {"id": number, "type": kind, "version": version, "ticket": ticket}
        self.record("server", "webhook", "seen", **facts)

    def _customer(self) -> None:
        answer = {"ticket": "t", "replayed": False}
        self.record_acknowledged("customer", "escalation", answer=answer, key="k", ref="ref")
        for number, text, seq in (("c1", "Hello?", 1), ("c2", "Thanks.", 3)):
            said = {"ticket": "t", "id": number, "text": text, "from": "customer"}
            self.record_acknowledged("customer", "message", answer={"seq": seq}, **said)

    def _agent(self) -> None:
        self.record_acknowledged("agent", "accept", answer={"assignment": "a"}, offer="o")
        said = {"assignment": "a", "id": "a1", "text": "Yes.", "from": "agent"}
        self.record_acknowledged("agent", "message", answer={"seq": 2}, **said)
        for act in ("resolve", "finish"):
            self.record_acknowledged("agent", act, answer={}, assignment="a")

    def list_findings(self) -> list[Finding]:
        return check(self.lines, self.rows)


def test_story_without_faults_has_no_findings() -> None:
    assert Story().list_findings() == []


def lose_the_ticket(story: Story) -> None:
    story.rows.tickets.clear()


def answer_with_another_ticket(story: Story) -> None:
    story.rows.tickets["t2"] = Ticket("ref", "abandoned", 0)
    answer = {"ticket": "t2", "replayed": False}
    story.record_acknowledged("customer", "escalation", answer=answer, key="k", ref="ref")


def open_unrequested_ticket(story: Story) -> None:
    story.rows.tickets["t2"] = Ticket("other", "abandoned", 0)


def leave_ticket_open(story: Story) -> None:
    story.rows.tickets["t"] = Ticket("ref", "active", 3)


def report_another_end(story: Story) -> None:
    answer = {"status": "abandoned", "version": 3}
    story.record_acknowledged("customer", "cancel", answer=answer, ticket="t")


def lose_a_message(story: Story) -> None:
    del story.rows.messages[2]


def lose_a_message_in_the_middle(story: Story) -> None:
    del story.rows.messages[0]


def keep_a_message_twice(story: Story) -> None:
    story.rows.messages.append(Message("t", 4, "customer", "c2", "Thanks."))


def change_a_text(story: Story) -> None:
    story.rows.messages[2] = Message("t", 3, "customer", "c2", "Thank")


def add_unsent_message(story: Story) -> None:
    story.rows.messages.append(Message("t", 4, "customer", "c3", "Bye."))


def swap_messages(story: Story) -> None:
    said = {"ticket": "t", "id": "c0", "text": "Hello?", "from": "customer"}
    story.rows.messages[0] = Message("t", 1, "customer", "c0", "Hello?")
    story.rows.messages[2] = Message("t", 3, "customer", "c1", "Hello?")
    story.lines = [line for line in story.lines if line.get("from") != "customer"]
    for number, seq in (("c1", 3), ("c0", 1)):
        story.record_acknowledged(
            "customer", "message", answer={"seq": seq}, **{**said, "id": number}
        )


def read_other_messages(story: Story) -> None:
    story.record("customer", "conversation", "seen", ticket="t", words=[[1, "agent", "1:a1"]])


def lose_a_webhook(story: Story) -> None:
    story.lines = [line for line in story.lines if line.get("id") != "m2"]


def lose_an_event(story: Story) -> None:
    del story.rows.deliveries[2]
    story.lines = [line for line in story.lines if line.get("id") != "m3"]


def deliver_late(story: Story) -> None:
    story.lines = [line for line in story.lines if line.get("id") != "m2"]
    story.receive_webhook("m2", "message.created", 2)


def send_a_forgery(story: Story) -> None:
    story.record("server", "webhook", "refused", why="no signature")


def lose_an_acceptance(story: Story) -> None:
    story.rows.assignments["a"] = story.rows.assignments["a"]._replace(offer="o2")


def assign_twice(story: Story) -> None:
    story.rows.assignments["b"] = Assignment("t", "o2", 2, NOON, LATER, "lost", LATER, 0)


def lose_an_ending(story: Story) -> None:
    story.rows.assignments["a"] = story.rows.assignments["a"]._replace(ending="lost")


def lose_a_payment(story: Story) -> None:
    story.rows.earnings.clear()


def pay_twice(story: Story) -> None:
    story.rows.earnings["a"] = [320, 320]


def pay_another_amount(story: Story) -> None:
    story.rows.earnings["a"] = [300]


def never_pay(story: Story) -> None:
    held = story.rows.assignments["a"]
    story.rows.assignments["a"] = held._replace(finished_at=None, paid=None)
    story.rows.earnings.clear()


@pytest.mark.parametrize(
    ("spoil", "kind", "of"),
    [
        (lose_the_ticket, "lost", "escalation k"),
        (answer_with_another_ticket, "doubled", "escalation k"),
        (open_unrequested_ticket, "wrong", "never requested"),
        (leave_ticket_open, "lost", "no work is due"),
        (report_another_end, "wrong", "told abandoned, is resolved"),
        (lose_a_message, "lost", "message c2"),
        (lose_a_message_in_the_middle, "lost", "messages numbered [2, 3]"),
        (keep_a_message_twice, "doubled", "message c2"),
        (change_a_text, "wrong", "message c2"),
        (add_unsent_message, "wrong", "never sent"),
        (swap_messages, "wrong", "out of order"),
        (read_other_messages, "wrong", "read differently"),
        (lose_a_webhook, "lost", "message.created of t: never received"),
        (lose_an_event, "lost", "no event for resolved"),
        (deliver_late, "wrong", "version 2 out of order"),
        (send_a_forgery, "wrong", "no valid signature"),
        (lose_an_acceptance, "lost", "acceptance of offer o"),
        (assign_twice, "doubled", "held by two"),
        (lose_an_ending, "lost", "resolve of a"),
        (lose_a_payment, "lost", "payment of a"),
        (pay_twice, "doubled", "payment of a"),
        (pay_another_amount, "lost", "payment of a"),
        (never_pay, "lost", "its wrap-up never ended"),
    ],
)
def test_difference_is_found(spoil: Callable[[Story], None], kind: str, of: str) -> None:
    story = Story()

    spoil(story)

    assert [one for one in story.list_findings() if one.kind == kind and of in one.what]


def test_unanswered_escalation_may_exist_or_not() -> None:
    story = Story()
    for actor in ("one", "two"):
        story.record(actor, "escalation", "sent", key=actor, ref=actor)
    story.rows.tickets["t1"] = Ticket("one", "abandoned", 0)

    assert story.list_findings() == []


def test_repeated_webhook_is_no_finding() -> None:
    story = Story()
    story.receive_webhook("m1", "ticket.answered", 1)

    assert story.list_findings() == []


def test_lawfully_open_ticket_is_not_lost() -> None:
    story = Story()
    story.record("two", "escalation", "sent", key="two", ref="two")
    story.rows.tickets["t2"] = Ticket("two", "queued", 0, lawfully_open=True)

    assert story.list_findings() == []
