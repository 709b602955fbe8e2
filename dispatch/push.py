"""News for agents' open pages, after commit. News only: the pages' truth is HTTP."""

import json
from collections.abc import Iterable
from uuid import UUID

from django.db import transaction
from django.template.loader import render_to_string
from django.utils import translation

from dispatch import hints
from dispatch.models import Offer


def group(agent_id: UUID) -> str:
    """The name of the sockets of one agent; made here only, never from what a browser sent."""
    return f"agent.{agent_id}"


def offers(made: Iterable[Offer]) -> None:
    """Show each offer: the card itself travels, so that it takes one hop to be on the screen."""
    frames = [(group(offer.agent_id), card(offer)) for offer in made]
    transaction.on_commit(lambda: _send_all(frames), robust=True)


def changed(*agent_ids: UUID) -> None:
    """Something on these agents' pages is new: they will ask what."""
    frame = json.dumps({"changed": True})
    frames = [(group(agent_id), frame) for agent_id in agent_ids]
    transaction.on_commit(lambda: _send_all(frames), robust=True)


def card(offer: Offer) -> str:
    """The offer as it appears on the desk, in the agent's language."""
    with translation.override(offer.agent.user.language):
        return render_to_string("desk/_offer_pushed.html", {"offer": offer})


def _send_all(frames: Iterable[tuple[str, str]]) -> None:
    for name, text in frames:
        hints.tell(name, {"type": "news", "text": text})
