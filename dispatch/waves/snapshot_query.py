"""The statement by which a wave reads waiting tickets and free agents, and its rows.

Rows travel as JSON arrays, a third shorter than objects with names. The column lists are made from
the fields of the classes below, so a row is read in the order in which it was written.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from dispatch import sql


class PastOfferRow(NamedTuple):
    """An agent who was or is offered the ticket, and the offer's status."""

    agent_id: str
    status: str
    may_reoffer: bool
    slot: int


class AffinityRow(NamedTuple):
    """An agent who knows the customer, or is blocked from them."""

    agent_id: str
    blocked: bool


class TicketRow(NamedTuple):
    """A waiting ticket. Without past offers or known agents the list is null."""

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
    """A free agent."""

    id: str
    abilities: str
    idle_since: str
    room: int
    worked_today: int
    reviews: int
    good_reviews: int
    language: str


def column_list(row: type[NamedTuple], table: str) -> str:
    """Return the fields of a row class as columns of this table, in their order."""
    return ", ".join(f"{table}.{name}" for name in row._fields)


#: Lane selection, ticket locking and agent choice, then the rows of those found.
SNAPSHOT_SQL = "{}, {}, {} {}".format(
    sql.read(__package__, "snapshot_lanes"),
    sql.read(__package__, "snapshot_tickets"),
    sql.read(__package__, "snapshot_agents"),
    sql.read(__package__, "snapshot_columns").format(
        ticket=column_list(TicketRow, "ticket_rows"),
        past_offer=column_list(PastOfferRow, "past"),
        affinity=column_list(AffinityRow, "met"),
        agent=column_list(AgentRow, "agent_rows"),
    ),
)
