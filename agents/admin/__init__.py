"""The coordinators' pages of supply: logins, agents, rate cards and the ledger."""

from agents.admin import agents, ledger, rate_cards, users

__all__ = ["agents", "ledger", "rate_cards", "users"]
