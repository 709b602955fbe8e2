"""The coordinators' pages of dispatch, and those of supply and demand that need both sides."""

from dispatch.admin import (
    affinity,
    agents,
    assignments,
    audit,
    decisions,
    offers,
    policies,
    rate_cards,
    tickets,
)

__all__ = [
    "affinity",
    "agents",
    "assignments",
    "audit",
    "decisions",
    "offers",
    "policies",
    "rate_cards",
    "tickets",
]
