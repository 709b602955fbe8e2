"""The rows of dispatch: policies, decisions, offers, assignments, affinities and ratings."""

from dispatch.models.affinity import CustomerAffinity
from dispatch.models.assignments import Assignment, AssignmentQuerySet
from dispatch.models.decisions import Decision
from dispatch.models.offers import (
    GRACE,
    OFFER_LASTS,
    SHOWN_WITHIN,
    Offer,
    OfferQuerySet,
)
from dispatch.models.operations import (
    AuditFinding,
    AuditRun,
    LiveServer,
    MatchLatency,
    SchedulerHeartbeat,
)
from dispatch.models.policies import PolicyVersion
from dispatch.models.ratings import AgentRating

__all__ = [
    "GRACE",
    "OFFER_LASTS",
    "SHOWN_WITHIN",
    "AgentRating",
    "Assignment",
    "AssignmentQuerySet",
    "AuditFinding",
    "AuditRun",
    "CustomerAffinity",
    "Decision",
    "LiveServer",
    "MatchLatency",
    "Offer",
    "OfferQuerySet",
    "PolicyVersion",
    "SchedulerHeartbeat",
]
