"""The coordinators' pages of dispatch, and those of supply and demand that need both sides."""

from dispatch.admin import (
    acquaintances,
    agents,
    assignments,
    audit,
    cards,
    decisions,
    offers,
    policies,
    tickets,
)

__all__ = [
    "acquaintances",
    "agents",
    "assignments",
    "audit",
    "cards",
    "decisions",
    "offers",
    "policies",
    "tickets",
]
