"""News for agents' open pages, after commit. News only: the pages' truth is HTTP."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

import orjson
from django.db import transaction
from django.template.loader import render_to_string
from django.utils import translation

from agents.models import Agent
from dispatch import hints
from dispatch.models import GRACE, OFFER_LASTS, Offer
from tickets.models import Client, Ticket

#: What a card that is drawn once stands for, until each offer's own is written in its place.
ANY_OFFER = UUID("00000000-0000-4000-8000-000000000000")
ANY_MOMENT = datetime(2001, 1, 1, tzinfo=UTC)
A_MINUTE = 60


def group(agent_id: UUID) -> str:
    """The name of the sockets of one agent; made here only, never from what a browser sent."""
    return f"agent.{agent_id}"


def offers(made: Iterable[Offer]) -> None:
    """Show each offer: the card itself travels, so that it takes one hop to be on the screen."""
    frames = [(group(offer.agent_id), card(offer)) for offer in made]
    transaction.on_commit(lambda: _send_all(frames), robust=True)


def taken(offer: Offer) -> None:
    """Somebody else was quicker: the card says so before it goes."""
    frames = [(group(offer.agent_id), json.dumps({"taken": str(offer.pk)}))]
    transaction.on_commit(lambda: _send_all(frames), robust=True)


def changed(*agent_ids: UUID) -> None:
    """Something on these agents' pages is new: they will ask what."""
    frame = json.dumps({"changed": True})
    frames = [(group(agent_id), frame) for agent_id in agent_ids]
    transaction.on_commit(lambda: _send_all(frames), robust=True)


def card(offer: Offer) -> str:
    """The offer as it appears on the desk, in the agent's language.

    Cards of the same ticket's kind differ in few words, so each kind is drawn once.
    """
    drawn = _draw(orjson.dumps(_facts(offer)))
    own = {
        str(ANY_OFFER): str(offer.pk),
        _ms(ANY_MOMENT): _ms(offer.sent_at),
        _ms(ANY_MOMENT + OFFER_LASTS): _ms(offer.answer_by),
        _ms(_any_queued_at(_waited(offer))): _ms(offer.ticket.queued_at),
    }
    for any_one, this_one in own.items():
        drawn = drawn.replace(any_one, this_one)
    return drawn


def _facts(offer: Offer) -> dict[str, Any]:
    """All that a card says, but for the offer's own id and moments."""
    ticket = offer.ticket
    return {
        "reader": offer.agent.user.language,
        "client": ticket.client.name,
        "ticket": [ticket.topic, ticket.language, ticket.urgency, ticket.skills],
        "pay": offer.pay,
        "reasons": _roughly(offer.reasons),
        "waited": _waited(offer),
    }


@lru_cache(maxsize=4096)
def _draw(facts: bytes) -> str:
    told = orjson.loads(facts)
    topic, language, urgency, skills = told["ticket"]
    ticket = Ticket(
        client=Client(name=told["client"]),
        topic=topic,
        language=language,
        urgency=urgency,
        skills=skills,
        queued_at=_any_queued_at(told["waited"]),
    )
    offer = Offer(
        id=ANY_OFFER,
        ticket=ticket,
        agent=Agent(),
        pay=told["pay"],
        reasons=told["reasons"],
        sent_at=ANY_MOMENT,
        expires_at=ANY_MOMENT + OFFER_LASTS + GRACE,
    )
    with translation.override(told["reader"]):
        return render_to_string("desk/_offer_pushed.html", {"offer": offer})


def _any_queued_at(waited: int) -> datetime:
    """Half a second earlier, so that it is no other moment of the card."""
    return ANY_MOMENT - timedelta(seconds=waited, milliseconds=500)


def _waited(offer: Offer) -> int:
    """Seconds, as exactly as the card says it."""
    seconds = max(int((offer.sent_at - offer.ticket.queued_at).total_seconds()), 0)
    return seconds if seconds < A_MINUTE else seconds // A_MINUTE * A_MINUTE


def _roughly(reasons: dict[str, Any]) -> dict[str, Any]:
    """The reasons, as exactly as the card says them."""
    told = {key: reasons[key] for key in ("candidates", "known", "again") if key in reasons}
    return told | {"idle_s": reasons.get("idle_s", 0) // A_MINUTE * A_MINUTE}


def _ms(moment: datetime) -> str:
    """As the page's scripts count."""
    return str(int(moment.timestamp() * 1000))


def _send_all(frames: Iterable[tuple[str, str]]) -> None:
    for name, text in frames:
        hints.tell(name, {"type": "news", "text": text})
