"""Updates for agents' open pages, sent after commit. A lost update only costs time."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

import orjson
from django.db import transaction
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.html import escape

from agents.models import Agent
from dispatch import wording
from dispatch.models import GRACE, OFFER_LASTS, Offer
from dispatch.realtime import notifier
from tickets.models import Client, Ticket

#: The text on a cached card, replaced by each offer's own values.
ANY_OFFER = UUID("00000000-0000-4000-8000-000000000000")
ANY_MOMENT = datetime(2001, 1, 1, tzinfo=UTC)
ANY_QUEUED_AT = datetime(2000, 1, 1, tzinfo=UTC)
WHY, WAITED = "[[why]]", "[[waited]]"


def group_name(agent_id: UUID) -> str:
    """Return the group of an agent's WebSockets. Its name never comes from a browser."""
    return f"agent.{agent_id}"


def send_offers(made: Iterable[Offer]) -> None:
    """Send each offer's card to its agent. The card itself travels, so the page need not ask for
    it.
    """
    frames = [(group_name(offer.agent_id), render_card(offer)) for offer in made]
    transaction.on_commit(lambda: _send_all(frames), robust=True)


def send_taken(offer: Offer) -> None:
    """Tell the page that another agent took this offer. The card says so before it goes."""
    frames = [(group_name(offer.agent_id), json.dumps({"taken": str(offer.pk)}))]
    transaction.on_commit(lambda: _send_all(frames), robust=True)


def request_reload(*agent_ids: UUID) -> None:
    """Tell these agents' pages to fetch what changed."""
    frame = json.dumps({"changed": True})
    frames = [(group_name(agent_id), frame) for agent_id in agent_ids]
    transaction.on_commit(lambda: _send_all(frames), robust=True)


def render_card(offer: Offer) -> str:
    """Render the offer as it appears on the desk, in the agent's language.

    Cards for the same kind of ticket differ in few words, so each kind is rendered once and cached.
    """
    drawn = _render_kind(orjson.dumps(_get_kind(offer)))
    with translation.override(offer.agent.user.language):
        own: dict[str, str] = {
            WHY: escape(wording.reasons(offer)),
            WAITED: escape(wording.waited(offer)),
        }
    own[str(ANY_OFFER)] = str(offer.pk)
    own[to_milliseconds(ANY_MOMENT)] = to_milliseconds(offer.sent_at)
    own[to_milliseconds(ANY_MOMENT + OFFER_LASTS)] = to_milliseconds(offer.answer_by)
    own[to_milliseconds(ANY_QUEUED_AT)] = to_milliseconds(offer.ticket.queued_at)
    for any_one, this_one in own.items():
        drawn = drawn.replace(any_one, this_one)
    return drawn


def _get_kind(offer: Offer) -> list[Any]:
    """Return all that a card shows except the offer's own values."""
    ticket = offer.ticket
    requirements = [ticket.topic, ticket.language, ticket.urgency, ticket.skills]
    return [offer.agent.user.language, ticket.client.name, *requirements, offer.pay]


@lru_cache(maxsize=4096)
def _render_kind(kind: bytes) -> str:
    reader, client, topic, language, urgency, skills, pay = orjson.loads(kind)
    ticket = Ticket(
        client=Client(name=client),
        topic=topic,
        language=language,
        urgency=urgency,
        skills=skills,
        queued_at=ANY_QUEUED_AT,
    )
    offer = Offer(
        id=ANY_OFFER,
        ticket=ticket,
        agent=Agent(),
        pay=pay,
        sent_at=ANY_MOMENT,
        expires_at=ANY_MOMENT + OFFER_LASTS + GRACE,
    )
    with translation.override(reader):
        context = {"offer": offer, "why": WHY, "waited": WAITED}
        return render_to_string("desk/_offer_pushed.html", context)


def to_milliseconds(moment: datetime) -> str:
    """Convert to milliseconds since 1970, as the page's scripts count."""
    return str(int(moment.timestamp() * 1000))


def _send_all(frames: Iterable[tuple[str, str]]) -> None:
    for name, text in frames:
        notifier.publish(name, {"type": "update", "text": text})
