"""The tables of demand: clients, tickets and their messages, webhooks."""

from tickets.models.clients import ApiKey, Client, IdempotencyKey, Skill
from tickets.models.tickets import Handoff, Message, Review, Ticket
from tickets.models.webhooks import WebhookAttempt, WebhookDelivery, WebhookEndpoint

__all__ = [
    "ApiKey",
    "Client",
    "Handoff",
    "IdempotencyKey",
    "Message",
    "Review",
    "Skill",
    "Ticket",
    "WebhookAttempt",
    "WebhookDelivery",
    "WebhookEndpoint",
]
