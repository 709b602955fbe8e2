"""The coordinators' pages of dispatch, and those of supply and demand that need both sides."""

from dispatch.admin import agents, assignments, audit, cards, offers, tickets

__all__ = ["agents", "assignments", "audit", "cards", "offers", "tickets"]
