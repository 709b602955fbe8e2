"""Tickets and agents for the tests of estimated waits."""

from datetime import datetime, timedelta
from typing import Any

from agents.models import Agent
from dispatch.models import Assignment
from tests import factories
from tickets import clock
from tickets.models import Client, Ticket
from tickets.models.tickets import build_lane


def draft_ticket(client: Client, *, at: datetime | None = None, **given: Any) -> Ticket:
    """Return an unsaved ticket."""
    at = at or clock.now()
    language, skills = given.pop("language", "en"), given.pop("skills", {})
    about = {"topic": "card", "queued_at": at, "due_at": at + client.answer_within, **given}
    return Ticket(
        client=client, language=language, skills=skills, lane=build_lane(language, skills), **about
    )


def start_conversation(agent: Agent, *, since: timedelta = timedelta()) -> Assignment:
    """Put the agent into a conversation that began this long ago."""
    held = factories.make_assignment(ticket=factories.make_ticket(), agent=agent)
    Assignment.objects.filter(pk=held.pk).update(started_at=clock.now() - since)
    return held
