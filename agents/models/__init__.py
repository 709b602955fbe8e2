"""The rows of supply: people, presence, pay."""

from agents.models.pay import JournalEntry, JournalLine, RateCard, RatePremium
from agents.models.people import Agent, AgentCertificate, AgentLanguage, AgentSkill, User
from agents.models.presence import AbilitySpan, FreeAgentEntry, Presence, PresenceSpan

__all__ = [
    "AbilitySpan",
    "Agent",
    "AgentCertificate",
    "AgentLanguage",
    "AgentSkill",
    "FreeAgentEntry",
    "JournalEntry",
    "JournalLine",
    "Presence",
    "PresenceSpan",
    "RateCard",
    "RatePremium",
    "User",
]
