"""Acquaintances: who has helped a customer before, and who shall not meet them again."""

from datetime import datetime
from uuid import UUID

from agents.models import Agent
from dispatch.models import Acquaintance
from tickets.models import Ticket


def meet(agent_id: UUID, ticket: Ticket, *, at: datetime) -> None:
    """They had a conversation."""
    _note(agent_id, ticket, met_at=at)


def block(agent: Agent, ticket: Ticket, *, at: datetime) -> None:
    """They shall not meet again."""
    _note(agent.pk, ticket, met_at=at, blocked_at=at)


def unblock(acquaintance: Acquaintance) -> None:
    """They may meet again."""
    Acquaintance.objects.filter(pk=acquaintance.pk).update(blocked_at=None)


def _note(agent_id: UUID, ticket: Ticket, **known: datetime) -> None:
    row = Acquaintance(
        client_id=ticket.client_id, customer_ref=ticket.customer_ref, agent_id=agent_id, **known
    )
    Acquaintance.objects.bulk_create(
        [row],
        update_conflicts=True,
        unique_fields=["client", "customer_ref", "agent"],
        update_fields=list(known),
    )
