"""Rate cards: which one is in force."""

from collections.abc import Collection
from datetime import datetime

from agents.models import RateCard, RatePremium
from agents.pay.rates import Rates


def in_force(clients: Collection[str], *, at: datetime) -> dict[str, tuple[Rates, int]]:
    """The newest card in force of each client, with its expected minutes. Two queries in all."""
    cards = (
        RateCard.objects.in_force(at=at)
        .filter(client__in=clients)
        .order_by("client", "-valid_from")
        .distinct("client")
        .prefetch_related("premiums")
    )
    return {card.client: (_rates(card), card.expected_minutes) for card in cards}


def _rates(card: RateCard) -> Rates:
    def of(kind: RatePremium.Kind) -> dict[str, int]:
        return {p.code: p.per_ticket for p in card.premiums.all() if p.kind == kind}

    return Rates(
        card=card.pk,
        currency=card.currency,
        per_ticket=card.per_ticket,
        per_minute=card.per_minute,
        least=card.least,
        skills=of(RatePremium.Kind.SKILL),
        languages=of(RatePremium.Kind.LANGUAGE),
    )
