"""Compares what was acknowledged to the actors with the database rows. Pure.

An acknowledged act must be in the rows exactly once; an act that no actor sent must not be there.
As in Jepsen, the actors' own histories are the only evidence of what was acknowledged.
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
    """Return all contradictions, none if all is well. Call after everything has settled."""
    return [finding for rule in RULES for finding in rule(lines, rows)]


def select(lines: list[Line], act: str, how: str) -> list[Line]:
    return [line for line in lines if line["act"] == act and line["how"] == how]


def check_escalations(lines: list[Line], rows: Rows) -> Iterator[Finding]:
    """Each acknowledged escalation is one ticket; the same key gives the same ticket."""
    tickets_of: defaultdict[str, set[str]] = defaultdict(set)
    for line in select(lines, "escalation", "acked"):
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
    asked = {line["ref"] for line in select(lines, "escalation", "sent")}
    for pk, ticket in rows.tickets.items():
        if ticket.ref not in asked:
            yield Finding("wrong", f"ticket {pk}: never requested")


def check_ends(lines: list[Line], rows: Rows) -> Iterator[Finding]:
    """Each ticket ends once or is lawfully open; its reported end is its real one."""
    for pk, ticket in rows.tickets.items():
        if ticket.status not in ENDS and not ticket.lawfully_open:
            yield Finding("lost", f"ticket {pk}: {ticket.status}, and no work is due")
    for line in select(lines, "cancel", "acked"):
        kept = rows.tickets.get(line["ticket"])
        if kept and kept.status != line["status"]:
            difference = f"told {line['status']}, is {kept.status}"
            yield Finding("wrong", f"ticket {line['ticket']}: {difference}")
    for line in select(lines, "webhook", "seen"):
        kept = rows.tickets.get(line["ticket"])
        if line["type"] in ENDED and kept and kept.status != ENDED[line["type"]]:
            yield Finding(
                "wrong", f"ticket {line['ticket']}: received {line['type']}, is {kept.status}"
            )


def check_messages(lines: list[Line], rows: Rows) -> Iterator[Finding]:
    """Each acknowledged message is stored once, with its text and its number."""
    kept = {(one.ticket, one.origin, one.number): one for one in rows.messages}
    for line in select(lines, "message", "acked"):
        found = kept.get(_get_key(line, rows))
        if found is None:
            yield Finding("lost", f"message {line['id']} of {line['from']}: not stored")
        elif line["seq"] not in (None, found.seq) or found.text != line["text"]:
            was = f"acknowledged as {line['seq']}, is {found.seq}"
            yield Finding("wrong", f"message {line['id']} of {line['from']}: {was}")
    sent = Counter(_get_key(line, rows) for line in select(lines, "message", "sent"))
    for place, count in Counter(
        (one.ticket, one.origin, one.number) for one in rows.messages
    ).items():
        if count > 1:
            yield Finding("doubled", f"message {place[2]} of {place[1]}: stored {count} times")
        if not sent[place]:
            yield Finding("wrong", f"message {place[2]} of {place[1]}: never sent")


def check_numbering(lines: list[Line], rows: Rows) -> Iterator[Finding]:
    """The numbers of a ticket's messages have no gap, and every reader gets the same ones."""
    of: defaultdict[str, list[tuple[int, str, str]]] = defaultdict(list)
    for one in rows.messages:
        of[one.ticket].append((one.seq, one.origin, one.number))
    for ticket, said in of.items():
        if [seq for seq, _origin, _number in said] != [*range(1, len(said) + 1)]:
            yield Finding("lost", f"ticket {ticket}: messages numbered {[one[0] for one in said]}")
    for line in select(lines, "conversation", "seen"):
        read = [(seq, origin, number) for seq, origin, number in line["words"]]
        if read != of[line["ticket"]][: len(read)]:
            yield Finding("wrong", f"ticket {line['ticket']}: read differently than stored")


def check_order(lines: list[Line], rows: Rows) -> Iterator[Finding]:
    """Messages of one writer are stored in the order sent."""
    by_writer: defaultdict[tuple[str, str], list[Line]] = defaultdict(list)
    for line in select(lines, "message", "acked"):
        if line["seq"] is not None:
            by_writer[line["actor"], _get_key(line, rows)[0]].append(line)
    for (writer, ticket), said in by_writer.items():
        for earlier, later in pairwise(said):
            if later["seq"] <= earlier["seq"] and later["id"] != earlier["id"]:
                yield Finding("wrong", f"ticket {ticket}: messages of {writer} out of order")


def check_webhooks(lines: list[Line], rows: Rows) -> Iterator[Finding]:
    """Every event reached the server, with a valid signature, in the order of versions."""
    for line in select(lines, "webhook", "refused"):
        yield Finding("wrong", f"a webhook has no valid signature: {line['why']}")
    received: dict[str, Line] = {}
    newest: Counter[str] = Counter()
    for line in select(lines, "webhook", "seen"):
        if line["id"] not in received and line["version"] <= newest[line["ticket"]]:
            yield Finding(
                "wrong", f"ticket {line['ticket']}: version {line['version']} out of order"
            )
        newest[line["ticket"]] = max(newest[line["ticket"]], line["version"])
        received.setdefault(line["id"], line)
    for one in rows.deliveries:
        if one.number not in received:
            yield Finding("lost", f"webhook {one.type} of {one.ticket}: never received")


def check_events(lines: list[Line], rows: Rows) -> Iterator[Finding]:
    """Each end except the customer's own, and each message of an agent, has an event."""
    there = {(one.ticket, one.type) for one in rows.deliveries}
    types = {status: kind for kind, status in ENDED.items()}
    for pk, ticket in rows.tickets.items():
        if ticket.status in types and (pk, types[ticket.status]) not in there:
            yield Finding("lost", f"ticket {pk}: no event for {ticket.status}")
    written = Counter(one.ticket for one in rows.messages if one.origin == "agent")
    sent = Counter(one.ticket for one in rows.deliveries if one.type == "message.created")
    for ticket in written | sent:
        if written[ticket] != sent[ticket]:
            count = f"{written[ticket]} messages of agents, {sent[ticket]} events"
            yield Finding("wrong", f"ticket {ticket}: {count}")


def check_assignments(lines: list[Line], rows: Rows) -> Iterator[Finding]:
    """An agent whose acceptance was acknowledged has the conversation, and no other agent has."""
    for line in select(lines, "accept", "acked"):
        kept = rows.assignments.get(line["assignment"])
        if not kept or kept.offer != line["offer"] or rows.offers.get(kept.offer) != "accepted":
            yield Finding("lost", f"acceptance of offer {line['offer']}: not stored")
    of: defaultdict[str, list] = defaultdict(list)
    for one in rows.assignments.values():
        of[one.ticket].append(one)
    for ticket, held in of.items():
        held.sort(key=lambda one: one.started_at)
        if any(a.ended_at is None or a.ended_at > b.started_at for a, b in pairwise(held)):
            yield Finding("doubled", f"ticket {ticket}: held by two at once")


def check_endings(lines: list[Line], rows: Rows) -> Iterator[Finding]:
    """Each acknowledged resolve, hand-back and finish is in the rows."""
    expected: list[tuple[str, Callable]] = [
        ("resolve", lambda one: one.ending == "resolved"),
        ("hand-back", lambda one: one.ending == "handed_back"),
        ("finish", lambda one: one.finished_at is not None),
    ]
    for act, holds in expected:
        for line in select(lines, act, "acked"):
            kept = rows.assignments.get(line["assignment"])
            if not kept or not holds(kept):
                yield Finding("lost", f"{act} of {line['assignment']}: not stored")


def check_payments(lines: list[Line], rows: Rows) -> Iterator[Finding]:
    """Each finished conversation is paid once, with the amount it states."""
    for pk, one in rows.assignments.items():
        earned = rows.earnings.get(pk, [])
        if one.finished_at is None:
            yield Finding("lost", f"payment of {pk}: its wrap-up never ended")
        elif len(earned) > 1:
            yield Finding("doubled", f"payment of {pk}: {earned}")
        elif sum(earned) != one.paid:
            yield Finding("lost", f"payment of {pk}: {earned}, should be {one.paid}")


RULES = [
    check_escalations,
    check_ends,
    check_messages,
    check_numbering,
    check_order,
    check_webhooks,
    check_events,
    check_assignments,
    check_endings,
    check_payments,
]


def _get_key(line: Line, rows: Rows) -> tuple[str, str, str]:
    """Return the ticket, origin and number under which a message is stored."""
    if line["from"] == "customer":
        return line["ticket"], "customer", line["id"]
    held = rows.assignments.get(line["assignment"])
    return (held.ticket, "agent", f"{held.epoch}:{line['id']}") if held else ("", "agent", "")
