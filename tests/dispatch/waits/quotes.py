"""What the tests of the forecast ask about."""

from datetime import datetime, timedelta
from typing import Any

from agents.models import Agent
from dispatch.models import Assignment
from tests import factories
from tickets import clock
from tickets.models import Client, Ticket
from tickets.models.tickets import build_lane


def would_be(client: Client, *, at: datetime | None = None, **given: Any) -> Ticket:
    """A ticket somebody might open."""
    at = at or clock.now()
    language, skills = given.pop("language", "en"), given.pop("skills", {})
    about = {"topic": "card", "queued_at": at, "due_at": at + client.answer_within, **given}
    return Ticket(
        client=client, language=language, skills=skills, lane=build_lane(language, skills), **about
    )


def talking(agent: Agent, *, since: timedelta = timedelta()) -> Assignment:
    """The agent is in a conversation that began so long ago."""
    held = factories.make_assignment(ticket=factories.make_ticket(), agent=agent)
    Assignment.objects.filter(pk=held.pk).update(started_at=clock.now() - since)
    return held
