"""The checker can fail: whatever an actor was told and is not so is found, and nothing else is."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from tests.chaos.checker import Finding, check
from tests.chaos.records import Assignment, Delivery, Line, Message, Rows, Ticket

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
LATER = NOON + timedelta(minutes=5)


class Story:
    """One conversation from the escalation to its pay, all of it well; to be spoilt."""

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
            self.hear(f"m{number}", kind, number)

    def note(self, actor: str, act: str, how: str, **facts: object) -> None:
        self.lines.append({"actor": actor, "at": next(self._clock), "act": act, "how": how} | facts)

    def both(self, actor: str, act: str, *, told: dict[str, object], **facts: object) -> None:
        """Sent, and acknowledged."""
        self.note(actor, act, "sent", **facts)
        self.note(actor, act, "acked", **facts, **told)

    def hear(self, number: str, kind: str, version: int, ticket: str = "t") -> None:
        facts = {"id": number, "type": kind, "version": version, "ticket": ticket}
        self.note("server", "webhook", "seen", **facts)

    def _customer(self) -> None:
        told = {"ticket": "t", "replayed": False}
        self.both("customer", "escalation", told=told, key="k", ref="ref")
        for number, text, seq in (("c1", "Hello?", 1), ("c2", "Thanks.", 3)):
            said = {"ticket": "t", "id": number, "text": text, "from": "customer"}
            self.both("customer", "message", told={"seq": seq}, **said)

    def _agent(self) -> None:
        self.both("agent", "accept", told={"assignment": "a"}, offer="o")
        said = {"assignment": "a", "id": "a1", "text": "Yes.", "from": "agent"}
        self.both("agent", "message", told={"seq": 2}, **said)
        for act in ("resolve", "finish"):
            self.both("agent", act, told={}, assignment="a")

    def found(self) -> list[Finding]:
        return check(self.lines, self.rows)


def test_where_all_is_well_nothing_is_found() -> None:
    assert Story().found() == []


def lose_the_ticket(story: Story) -> None:
    story.rows.tickets.clear()


def answer_with_another_ticket(story: Story) -> None:
    story.rows.tickets["t2"] = Ticket("ref", "abandoned", 0)
    told = {"ticket": "t2", "replayed": False}
    story.both("customer", "escalation", told=told, key="k", ref="ref")


def open_a_ticket_nobody_asked_for(story: Story) -> None:
    story.rows.tickets["t2"] = Ticket("other", "abandoned", 0)


def leave_the_ticket_lying(story: Story) -> None:
    story.rows.tickets["t"] = Ticket("ref", "active", 3)


def tell_another_end(story: Story) -> None:
    told = {"status": "abandoned", "version": 3}
    story.both("customer", "cancel", told=told, ticket="t")


def lose_a_message(story: Story) -> None:
    del story.rows.messages[2]


def lose_a_message_in_the_middle(story: Story) -> None:
    del story.rows.messages[0]


def keep_a_message_twice(story: Story) -> None:
    story.rows.messages.append(Message("t", 4, "customer", "c2", "Thanks."))


def keep_other_words(story: Story) -> None:
    story.rows.messages[2] = Message("t", 3, "customer", "c2", "Thank")


def keep_words_nobody_said(story: Story) -> None:
    story.rows.messages.append(Message("t", 4, "customer", "c3", "Bye."))


def change_the_order(story: Story) -> None:
    said = {"ticket": "t", "id": "c0", "text": "Hello?", "from": "customer"}
    story.rows.messages[0] = Message("t", 1, "customer", "c0", "Hello?")
    story.rows.messages[2] = Message("t", 3, "customer", "c1", "Hello?")
    story.lines = [line for line in story.lines if line.get("from") != "customer"]
    for number, seq in (("c1", 3), ("c0", 1)):
        story.both("customer", "message", told={"seq": seq}, **{**said, "id": number})


def read_something_else(story: Story) -> None:
    story.note("customer", "conversation", "seen", ticket="t", words=[[1, "agent", "1:a1"]])


def lose_news(story: Story) -> None:
    story.lines = [line for line in story.lines if line.get("id") != "m2"]


def forget_to_tell(story: Story) -> None:
    del story.rows.deliveries[2]
    story.lines = [line for line in story.lines if line.get("id") != "m3"]


def tell_late(story: Story) -> None:
    story.lines = [line for line in story.lines if line.get("id") != "m2"]
    story.hear("m2", "message.created", 2)


def send_a_forgery(story: Story) -> None:
    story.note("server", "webhook", "refused", why="no signature")


def lose_an_acceptance(story: Story) -> None:
    story.rows.assignments["a"] = story.rows.assignments["a"]._replace(offer="o2")


def give_it_to_two(story: Story) -> None:
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
        (open_a_ticket_nobody_asked_for, "wrong", "nobody asked for it"),
        (leave_the_ticket_lying, "lost", "nobody sees to it"),
        (tell_another_end, "wrong", "told abandoned, is resolved"),
        (lose_a_message, "lost", "message c2"),
        (lose_a_message_in_the_middle, "lost", "messages numbered [2, 3]"),
        (keep_a_message_twice, "doubled", "message c2"),
        (keep_other_words, "wrong", "message c2"),
        (keep_words_nobody_said, "wrong", "nobody sent it"),
        (change_the_order, "wrong", "changed places"),
        (read_something_else, "wrong", "read otherwise"),
        (lose_news, "lost", "message.created of t: never heard"),
        (forget_to_tell, "lost", "nobody was told"),
        (tell_late, "wrong", "version 2 came late"),
        (send_a_forgery, "wrong", "not the platform's"),
        (lose_an_acceptance, "lost", "acceptance of offer o"),
        (give_it_to_two, "doubled", "held by two"),
        (lose_an_ending, "lost", "resolve of a"),
        (lose_a_payment, "lost", "payment of a"),
        (pay_twice, "doubled", "payment of a"),
        (pay_another_amount, "lost", "payment of a"),
        (never_pay, "lost", "its wrap-up never ended"),
    ],
)
def test_what_is_not_as_it_was_told_is_found(
    spoil: Callable[[Story], None], kind: str, of: str
) -> None:
    story = Story()

    spoil(story)

    assert [one for one in story.found() if one.kind == kind and of in one.what]


def test_what_was_never_answered_may_have_happened_or_not() -> None:
    story = Story()
    for actor in ("one", "two"):
        story.note(actor, "escalation", "sent", key=actor, ref=actor)
    story.rows.tickets["t1"] = Ticket("one", "abandoned", 0)

    assert story.found() == []


def test_a_webhook_may_come_twice() -> None:
    story = Story()
    story.hear("m1", "ticket.answered", 1)

    assert story.found() == []


def test_who_waits_lawfully_is_not_lost() -> None:
    story = Story()
    story.note("two", "escalation", "sent", key="two", ref="two")
    story.rows.tickets["t2"] = Ticket("two", "queued", 0, lawfully_open=True)

    assert story.found() == []
