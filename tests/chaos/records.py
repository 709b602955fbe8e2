"""The result of a run: the actors' histories, and the rows of their client."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

import psycopg

from tests.chaos.platform import ChaosPlatform

#: A line of a history; see `dispatch.loadtest.history`.
Line = dict[str, Any]


class Ticket(NamedTuple):
    ref: str
    status: str
    version: int
    #: Open for a reason: its customer is to be told later, or an agent has it.
    lawfully_open: bool = False


class Message(NamedTuple):
    """`number`: the writer's own; an agent's begins with the epoch."""

    ticket: str
    seq: int
    origin: str
    number: str
    text: str


class Assignment(NamedTuple):
    ticket: str
    offer: str
    epoch: int
    started_at: datetime
    ended_at: datetime | None
    ending: str
    finished_at: datetime | None
    paid: int | None


class Delivery(NamedTuple):
    """`number`: the webhook id that the server sees."""

    number: str
    ticket: str
    type: str
    version: int
    delivered: bool


@dataclass
class Rows:
    """Rows by id where there is one. `earnings`: the amounts credited for each assignment."""

    tickets: dict[str, Ticket] = field(default_factory=dict)
    messages: list[Message] = field(default_factory=list)
    offers: dict[str, str] = field(default_factory=dict)
    assignments: dict[str, Assignment] = field(default_factory=dict)
    earnings: dict[str, list[int]] = field(default_factory=dict)
    deliveries: list[Delivery] = field(default_factory=list)


QUERIES = {
    "tickets": """
        SELECT t.id::text, t.conversation_ref, t.status, t.version,
            CASE t.status WHEN 'queued' THEN t.give_up_at > clock_timestamp() - interval '60 s'
                WHEN 'active' THEN EXISTS (SELECT 1 FROM dispatch_assignment a
                    JOIN agents_presence p ON p.agent_id = a.agent_id
                    WHERE a.ticket_id = t.id AND a.ended_at IS NULL AND p.status <> 'offline')
                ELSE false END
        FROM tickets_ticket t JOIN tickets_client c ON c.id = t.client_id WHERE c.slug = %s""",
    "messages": """
        SELECT t.id::text, m.seq, m.origin, m.client_message_id, m.text FROM tickets_message m
        JOIN tickets_ticket t ON t.id = m.ticket_id JOIN tickets_client c ON c.id = t.client_id
        WHERE c.slug = %s ORDER BY t.id, m.seq""",
    "offers": """
        SELECT o.id::text, o.status FROM dispatch_offer o
        JOIN tickets_ticket t ON t.id = o.ticket_id JOIN tickets_client c ON c.id = t.client_id
        WHERE c.slug = %s""",
    "assignments": """
        SELECT a.id::text, t.id::text, a.offer_id::text, a.epoch, a.started_at, a.ended_at,
            a.ending, a.finished_at, a.paid
        FROM dispatch_assignment a
        JOIN tickets_ticket t ON t.id = a.ticket_id JOIN tickets_client c ON c.id = t.client_id
        WHERE c.slug = %s""",
    "earnings": """
        SELECT e.source_id::text, l.amount FROM agents_journalentry e
        JOIN agents_journalline l ON l.entry_id = e.id AND l.amount > 0
        JOIN dispatch_assignment a ON a.id = e.source_id
        JOIN tickets_ticket t ON t.id = a.ticket_id JOIN tickets_client c ON c.id = t.client_id
        WHERE e.source_type = 'assignment' AND e.kind = 'earning' AND c.slug = %s""",
    "deliveries": """
        SELECT 'msg_' || replace(d.id::text, '-', ''), t.id::text, d.type, d.version,
            d.delivered_at IS NOT NULL
        FROM tickets_webhookdelivery d JOIN tickets_ticket t ON t.id = d.ticket_id
        JOIN tickets_client c ON c.id = t.client_id WHERE c.slug = %s""",
}
#: Counts work that will still be done without an actor: wrap-ups, events, open tickets.
UNSETTLED = """
SELECT (SELECT count(*) FROM dispatch_assignment a JOIN tickets_ticket t ON t.id = a.ticket_id
        JOIN tickets_client c ON c.id = t.client_id WHERE a.finished_at IS NULL AND c.slug = %(c)s)
     + (SELECT count(*) FROM tickets_webhookdelivery d JOIN tickets_ticket t ON t.id = d.ticket_id
        JOIN tickets_client c ON c.id = t.client_id
        WHERE d.delivered_at IS NULL AND d.dead_at IS NULL AND c.slug = %(c)s)
     + (SELECT count(*) FROM tickets_ticket t JOIN tickets_client c ON c.id = t.client_id
        WHERE t.closed_at IS NULL AND c.slug = %(c)s)
"""


def read(platform: ChaosPlatform, client: str) -> Rows:
    """Read the rows of one moment."""
    with psycopg.connect(platform.database_url) as database:
        database.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        found = {
            name: database.execute(query, [client]).fetchall() for name, query in QUERIES.items()
        }
    earnings = defaultdict(list)
    for assignment, amount in found["earnings"]:
        earnings[assignment].append(amount)
    return Rows(
        tickets={pk: Ticket(*more) for pk, *more in found["tickets"]},
        messages=[Message(*row) for row in found["messages"]],
        offers=dict(found["offers"]),
        assignments={pk: Assignment(*more) for pk, *more in found["assignments"]},
        earnings=dict(earnings),
        deliveries=[Delivery(*row) for row in found["deliveries"]],
    )


def count_unsettled(platform: ChaosPlatform, client: str) -> int:
    """Count the work that will still be done."""
    with psycopg.connect(platform.database_url, connect_timeout=3) as database:
        row = database.execute(UNSETTLED, {"c": client}).fetchone()
    return row[0] if row else 0
