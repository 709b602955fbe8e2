"""Compares what was acknowledged to the actors with the rows. Pure.

An acknowledged act must be in the rows, once; an act that nobody did must not be. As in Jepsen, the
actors' own histories are the only witnesses of what was acknowledged.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Literal, NamedTuple

from tests.chaos.records import Line, Rows

Kind = Literal["lost", "doubled", "wrong"]
ENDED = {
    "ticket.resolved": "resolved",
    "ticket.handed_back": "handed_back",
    "ticket.unavailable": "unavailable",
}
ENDS = {*ENDED.values(), "abandoned"}


class Finding(NamedTuple):
    kind: Kind
    what: str


def check(lines: list[Line], rows: Rows) -> list[Finding]:
    """All that contradicts: nothing, if all is well. Call once everything has come to its end."""
    return [finding for rule in RULES for finding in rule(lines, rows)]


def noted(lines: list[Line], act: str, how: str) -> list[Line]:
    return [line for line in lines if line["act"] == act and line["how"] == how]


def escalations(lines: list[Line], rows: Rows) -> Iterator[Finding]:
    """Each acknowledged one is a ticket; the same key is the same ticket; one each."""
    tickets_of: defaultdict[str, set[str]] = defaultdict(set)
    for line in noted(lines, "escalation", "acked"):
        tickets_of[line["key"]].add(line["ticket"])
        kept = rows.tickets.get(line["ticket"])
        if not kept or kept.ref != line["ref"]:
            yield Finding("lost", f"escalation {line['key']}: no ticket {line['ticket']}")
    for key, tickets in tickets_of.items():
        if len(tickets) > 1:
            yield Finding("doubled", f"escalation {key}: answered with {sorted(tickets)}")
    for ref, count in Counter(ticket.ref for ticket in rows.tickets.values()).items():
        if count > 1:
            yield Finding("doubled", f"escalation of {ref}: {count} tickets")
    asked = {line["ref"] for line in noted(lines, "escalation", "sent")}
    for pk, ticket in rows.tickets.items():
        if ticket.ref not in asked:
            yield Finding("wrong", f"ticket {pk}: nobody asked for it")


def ends(lines: list[Line], rows: Rows) -> Iterator[Finding]:
    """Each ticket has its one end, or waits lawfully; whoever was told an end was told that one."""
    for pk, ticket in rows.tickets.items():
        if ticket.status not in ENDS and not ticket.lawfully_open:
            yield Finding("lost", f"ticket {pk}: {ticket.status}, and nobody sees to it")
    for line in noted(lines, "cancel", "acked"):
        kept = rows.tickets.get(line["ticket"])
        if kept and kept.status != line["status"]:
            told = f"told {line['status']}, is {kept.status}"
            yield Finding("wrong", f"ticket {line['ticket']}: {told}")
    for line in noted(lines, "webhook", "seen"):
        kept = rows.tickets.get(line["ticket"])
        if line["type"] in ENDED and kept and kept.status != ENDED[line["type"]]:
            yield Finding(
                "wrong", f"ticket {line['ticket']}: heard {line['type']}, is {kept.status}"
            )


def messages(lines: list[Line], rows: Rows) -> Iterator[Finding]:
    """Each acknowledged one is kept, once, with the words and at the place it was said to have."""
    kept = {(one.ticket, one.origin, one.number): one for one in rows.messages}
    for line in noted(lines, "message", "acked"):
        found = kept.get(_place(line, rows))
        if found is None:
            yield Finding("lost", f"message {line['id']} of {line['from']}: not kept")
        elif line["seq"] not in (None, found.seq) or found.text != line["text"]:
            was = f"acknowledged as {line['seq']}, is {found.seq}"
            yield Finding("wrong", f"message {line['id']} of {line['from']}: {was}")
    sent = Counter(_place(line, rows) for line in noted(lines, "message", "sent"))
    for place, count in Counter(
        (one.ticket, one.origin, one.number) for one in rows.messages
    ).items():
        if count > 1:
            yield Finding("doubled", f"message {place[2]} of {place[1]}: kept {count} times")
        if not sent[place]:
            yield Finding("wrong", f"message {place[2]} of {place[1]}: nobody sent it")


def numbering(lines: list[Line], rows: Rows) -> Iterator[Finding]:
    """The numbers of a ticket's messages have no gap, and everybody reads the same ones."""
    of: defaultdict[str, list[tuple[int, str, str]]] = defaultdict(list)
    for one in rows.messages:
        of[one.ticket].append((one.seq, one.origin, one.number))
    for ticket, said in of.items():
        if [seq for seq, _origin, _number in said] != [*range(1, len(said) + 1)]:
            yield Finding("lost", f"ticket {ticket}: messages numbered {[one[0] for one in said]}")
    for line in noted(lines, "conversation", "seen"):
        read = [(seq, origin, number) for seq, origin, number in line["words"]]
        if read != of[line["ticket"]][: len(read)]:
            yield Finding("wrong", f"ticket {line['ticket']}: read otherwise than it is kept")


def order(lines: list[Line], rows: Rows) -> Iterator[Finding]:
    """What one person said later comes later."""
    by_writer: defaultdict[tuple[str, str], list[Line]] = defaultdict(list)
    for line in noted(lines, "message", "acked"):
        if line["seq"] is not None:
            by_writer[line["actor"], _place(line, rows)[0]].append(line)
    for (writer, ticket), said in by_writer.items():
        for earlier, later in pairwise(said):
            if later["seq"] <= earlier["seq"] and later["id"] != earlier["id"]:
                yield Finding("wrong", f"ticket {ticket}: words of {writer} changed places")


def news(lines: list[Line], rows: Rows) -> Iterator[Finding]:
    """All news reached the receiver, verified, in the order of the versions."""
    for line in noted(lines, "webhook", "refused"):
        yield Finding("wrong", f"a webhook was not the platform's: {line['why']}")
    heard: dict[str, Line] = {}
    newest: Counter[str] = Counter()
    for line in noted(lines, "webhook", "seen"):
        if line["id"] not in heard and line["version"] <= newest[line["ticket"]]:
            yield Finding("wrong", f"ticket {line['ticket']}: version {line['version']} came late")
        newest[line["ticket"]] = max(newest[line["ticket"]], line["version"])
        heard.setdefault(line["id"], line)
    for one in rows.deliveries:
        if one.number not in heard:
            yield Finding("lost", f"webhook {one.type} of {one.ticket}: never heard")


def told(lines: list[Line], rows: Rows) -> Iterator[Finding]:
    """There is news of each end but the customer's own, of each message of an agent."""
    there = {(one.ticket, one.type) for one in rows.deliveries}
    types = {status: kind for kind, status in ENDED.items()}
    for pk, ticket in rows.tickets.items():
        if ticket.status in types and (pk, types[ticket.status]) not in there:
            yield Finding("lost", f"ticket {pk}: nobody was told that it is {ticket.status}")
    written = Counter(one.ticket for one in rows.messages if one.origin == "agent")
    sent = Counter(one.ticket for one in rows.deliveries if one.type == "message.created")
    for ticket in written | sent:
        if written[ticket] != sent[ticket]:
            count = f"{written[ticket]} messages of agents, {sent[ticket]} told of"
            yield Finding("wrong", f"ticket {ticket}: {count}")


def holders(lines: list[Line], rows: Rows) -> Iterator[Finding]:
    """An agent whose acceptance was acknowledged has the conversation, and nobody else has."""
    for line in noted(lines, "accept", "acked"):
        kept = rows.assignments.get(line["assignment"])
        if not kept or kept.offer != line["offer"] or rows.offers.get(kept.offer) != "accepted":
            yield Finding("lost", f"acceptance of offer {line['offer']}: not kept")
    of: defaultdict[str, list] = defaultdict(list)
    for one in rows.assignments.values():
        of[one.ticket].append(one)
    for ticket, held in of.items():
        held.sort(key=lambda one: one.started_at)
        if any(a.ended_at is None or a.ended_at > b.started_at for a, b in pairwise(held)):
            yield Finding("doubled", f"ticket {ticket}: held by two at once")


def endings(lines: list[Line], rows: Rows) -> Iterator[Finding]:
    """What an agent was told is done, is."""
    expected: list[tuple[str, Callable]] = [
        ("resolve", lambda one: one.ending == "resolved"),
        ("hand-back", lambda one: one.ending == "handed_back"),
        ("finish", lambda one: one.finished_at is not None),
    ]
    for act, holds in expected:
        for line in noted(lines, act, "acked"):
            kept = rows.assignments.get(line["assignment"])
            if not kept or not holds(kept):
                yield Finding("lost", f"{act} of {line['assignment']}: not kept")


def payments(lines: list[Line], rows: Rows) -> Iterator[Finding]:
    """Each conversation that is done with is paid once, what it says it was."""
    for pk, one in rows.assignments.items():
        earned = rows.earnings.get(pk, [])
        if one.finished_at is None:
            yield Finding("lost", f"payment of {pk}: its wrap-up never ended")
        elif len(earned) > 1:
            yield Finding("doubled", f"payment of {pk}: {earned}")
        elif sum(earned) != one.paid:
            yield Finding("lost", f"payment of {pk}: {earned}, should be {one.paid}")


RULES = [
    escalations,
    ends,
    messages,
    numbering,
    order,
    news,
    told,
    holders,
    endings,
    payments,
]


def _place(line: Line, rows: Rows) -> tuple[str, str, str]:
    """Ticket, origin and number under which a message is kept."""
    if line["from"] == "customer":
        return line["ticket"], "customer", line["id"]
    held = rows.assignments.get(line["assignment"])
    return (held.ticket, "agent", f"{held.epoch}:{line['id']}") if held else ("", "agent", "")
