"""Admin pages of dispatch, and those of agents and tickets that need both sides."""

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
