"""The rows of supply: people, presence, pay."""

from agents.models.pay import JournalEntry, JournalLine, RateCard, RatePremium
from agents.models.people import Agent, AgentLanguage, AgentSkill, User
from agents.models.presence import Presence, PresenceSpan

__all__ = [
    "Agent",
    "AgentLanguage",
    "AgentSkill",
    "JournalEntry",
    "JournalLine",
    "Presence",
    "PresenceSpan",
    "RateCard",
    "RatePremium",
    "User",
]
