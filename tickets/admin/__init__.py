"""Admin pages of demand: clients and their keys, tickets, webhooks."""

from tickets.admin import clients, tickets, webhooks

__all__ = ["clients", "tickets", "webhooks"]
