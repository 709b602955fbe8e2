"""The rows of dispatch: policies, decisions, offers, assignments, acquaintances; its running."""

from dispatch.models.affinity import Acquaintance
from dispatch.models.assignments import Assignment, AssignmentQuerySet
from dispatch.models.decisions import Decision
from dispatch.models.offers import (
    GRACE,
    MOST_AT_ONCE,
    OFFER_LASTS,
    SHOWN_WITHIN,
    Offer,
    OfferQuerySet,
)
from dispatch.models.operations import (
    AuditFinding,
    AuditRun,
    ClockHeartbeat,
    LiveServer,
    MatchLatency,
)
from dispatch.models.policies import PolicyVersion
from dispatch.models.ratings import Standing

__all__ = [
    "GRACE",
    "MOST_AT_ONCE",
    "OFFER_LASTS",
    "SHOWN_WITHIN",
    "Acquaintance",
    "Assignment",
    "AssignmentQuerySet",
    "AuditFinding",
    "AuditRun",
    "ClockHeartbeat",
    "Decision",
    "LiveServer",
    "MatchLatency",
    "Offer",
    "OfferQuerySet",
    "PolicyVersion",
    "Standing",
]
