"""Affinity: records which agents talked to a customer, and blocks pairs."""

from datetime import datetime
from uuid import UUID

from agents.models import Agent
from dispatch.models import CustomerAffinity
from tickets.models import Ticket


def record_contact(agent_id: UUID, ticket: Ticket, *, at: datetime) -> None:
    """Record that the agent and the customer had a conversation."""
    _note(agent_id, ticket, met_at=at)


def block(agent: Agent, ticket: Ticket, *, at: datetime) -> None:
    """Never pair the agent with the customer of this ticket again."""
    _note(agent.pk, ticket, met_at=at, blocked_at=at)


def unblock(row: CustomerAffinity) -> None:
    """Allow the pair again."""
    CustomerAffinity.objects.filter(pk=row.pk).update(blocked_at=None)


def _note(agent_id: UUID, ticket: Ticket, **known: datetime) -> None:
    row = CustomerAffinity(
        client_id=ticket.client_id, customer_ref=ticket.customer_ref, agent_id=agent_id, **known
    )
    CustomerAffinity.objects.bulk_create(
        [row],
        update_conflicts=True,
        unique_fields=["client", "customer_ref", "agent"],
        update_fields=list(known),
    )
