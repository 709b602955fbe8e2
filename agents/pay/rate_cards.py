"""Rate cards: which card is in force."""

from collections.abc import Collection
from datetime import UTC, datetime
from typing import NamedTuple

from django.core.cache import cache
from django.db.models import Q

from agents.models import RateCard, RatePremium
from agents.pay.quotes import Rates

#: The cache keeps the cards of a client for this many seconds.
CACHE_SECONDS = 5
FOREVER = datetime.max.replace(tzinfo=UTC)


class DatedRates(NamedTuple):
    """A card as plain values."""

    valid_from: datetime
    valid_to: datetime | None
    rates: Rates
    minutes: int


def read_in_force(clients: Collection[str], *, at: datetime) -> dict[str, tuple[Rates, int]]:
    """The newest card in force of each client, with its expected minutes.

    Cards are published before they come into force, so a cache of some seconds never hides one.
    """
    names = {client: f"cards:{client}" for client in clients}
    known: dict[str, list[DatedRates]] = cache.get_many(names.values())
    if missing := [client for client, name in names.items() if name not in known]:
        read = _read(missing, at=at)
        cache.set_many(
            {names[client]: dated for client, dated in read.items()}, timeout=CACHE_SECONDS
        )
        known |= {names[client]: dated for client, dated in read.items()}
    return {
        client: (card.rates, card.minutes)
        for client, name in names.items()
        if (card := _pick_newest(known[name], at=at))
    }


def _pick_newest(cards: list[DatedRates], *, at: datetime) -> DatedRates | None:
    valid = [card for card in cards if card.valid_from <= at < (card.valid_to or FOREVER)]
    return max(valid, key=lambda card: card.valid_from, default=None)


def _read(clients: Collection[str], *, at: datetime) -> dict[str, list[DatedRates]]:
    """The cards in force now or later. Two queries, however many clients."""
    found: dict[str, list[DatedRates]] = {client: [] for client in clients}
    cards = RateCard.objects.filter(Q(valid_to=None) | Q(valid_to__gt=at), client__in=clients)
    for card in cards.prefetch_related("premiums"):
        dated = DatedRates(card.valid_from, card.valid_to, _to_rates(card), card.expected_minutes)
        found[card.client].append(dated)
    return found


def _to_rates(card: RateCard) -> Rates:
    def premiums_by_code(kind: RatePremium.Kind) -> dict[str, int]:
        return {p.code: p.per_ticket for p in card.premiums.all() if p.kind == kind}

    return Rates(
        card=card.pk,
        currency=card.currency,
        per_ticket=card.per_ticket,
        per_minute=card.per_minute,
        least=card.least,
        skills=premiums_by_code(RatePremium.Kind.SKILL),
        languages=premiums_by_code(RatePremium.Kind.LANGUAGE),
    )
