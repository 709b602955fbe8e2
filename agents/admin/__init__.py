"""The coordinators' pages of supply: logins, agents, rate cards and the ledger."""

from agents.admin import agents, cards, ledger, logins

__all__ = ["agents", "cards", "ledger", "logins"]
