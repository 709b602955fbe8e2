"""The rows of dispatch: offers and the work that comes of them; how the platform itself runs."""

from dispatch.models.offers import GRACE, OFFER_LASTS, Assignment, Offer, OfferQuerySet
from dispatch.models.running import AuditFinding, AuditRun, ClockHeartbeat, LiveServer, MatchLatency

__all__ = [
    "GRACE",
    "OFFER_LASTS",
    "Assignment",
    "AuditFinding",
    "AuditRun",
    "ClockHeartbeat",
    "LiveServer",
    "MatchLatency",
    "Offer",
    "OfferQuerySet",
]
