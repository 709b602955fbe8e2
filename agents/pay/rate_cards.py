"""Rate cards: which one is in force."""

from collections.abc import Collection
from datetime import UTC, datetime
from typing import NamedTuple

from django.core.cache import cache
from django.db.models import Q

from agents.models import RateCard, RatePremium
from agents.pay.quotes import Rates

#: For so many seconds.
REMEMBERED = 5
FOREVER = datetime.max.replace(tzinfo=UTC)


class Dated(NamedTuple):
    """A card as plain values."""

    valid_from: datetime
    valid_to: datetime | None
    rates: Rates
    minutes: int


def in_force(clients: Collection[str], *, at: datetime) -> dict[str, tuple[Rates, int]]:
    """The newest card in force of each client, with its expected minutes.

    Cards are published before they come into force, so they may be remembered for some seconds.
    """
    names = {client: f"cards:{client}" for client in clients}
    known: dict[str, list[Dated]] = cache.get_many(names.values())
    if missing := [client for client, name in names.items() if name not in known]:
        read = _read(missing, at=at)
        cache.set_many({names[client]: dated for client, dated in read.items()}, timeout=REMEMBERED)
        known |= {names[client]: dated for client, dated in read.items()}
    return {
        client: (card.rates, card.minutes)
        for client, name in names.items()
        if (card := _newest(known[name], at=at))
    }


def _newest(cards: list[Dated], *, at: datetime) -> Dated | None:
    valid = [card for card in cards if card.valid_from <= at < (card.valid_to or FOREVER)]
    return max(valid, key=lambda card: card.valid_from, default=None)


def _read(clients: Collection[str], *, at: datetime) -> dict[str, list[Dated]]:
    """The cards that are or will be in force. Two queries, however many clients."""
    found: dict[str, list[Dated]] = {client: [] for client in clients}
    cards = RateCard.objects.filter(Q(valid_to=None) | Q(valid_to__gt=at), client__in=clients)
    for card in cards.prefetch_related("premiums"):
        dated = Dated(card.valid_from, card.valid_to, _rates(card), card.expected_minutes)
        found[card.client].append(dated)
    return found


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
