"""The one statement by which a wave reads who waits and who is free, and the rows it returns.

Rows travel as JSON arrays, a third shorter than objects with names. The statement's column lists
are made from the fields of the classes below, so a row cannot be read in another order than it was
written in.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from dispatch import sql


class PastOfferRow(NamedTuple):
    """Somebody who was offered the ticket before, or is offered it now, and what came of it."""

    agent_id: str
    status: str
    may_reoffer: bool
    slot: int


class AffinityRow(NamedTuple):
    """An agent who knows the customer, or shall not meet them."""

    agent_id: str
    blocked: bool


class TicketRow(NamedTuple):
    """A ticket that waits. Of those with no past there is no list."""

    id: str
    lane: str
    topic: str
    urgency: int
    queued_at: str
    due_at: str
    client_id: str
    client_slug: str
    client_name: str
    past_offers: Sequence[Sequence[Any]] | None
    affinities: Sequence[Sequence[Any]] | None
    skills: Mapping[str, int]


class AgentRow(NamedTuple):
    """An agent who is free."""

    id: str
    abilities: str
    idle_since: str
    room: int
    worked_today: int
    reviews: int
    good_reviews: int
    language: str


def column_list(row: type[NamedTuple], table: str) -> str:
    """The fields of a row class as columns of this table, in their order."""
    return ", ".join(f"{table}.{name}" for name in row._fields)


#: Lane selection, ticket locking and agent choice, then what is read of those found.
SNAPSHOT_SQL = "{}, {}, {} {}".format(
    sql.read(__package__, "snapshot_lanes"),
    sql.read(__package__, "snapshot_tickets"),
    sql.read(__package__, "snapshot_agents"),
    sql.read(__package__, "snapshot_rows").format(
        ticket=column_list(TicketRow, "ticket_rows"),
        past_offer=column_list(PastOfferRow, "past"),
        affinity=column_list(AffinityRow, "met"),
        agent=column_list(AgentRow, "agent_rows"),
    ),
)
