"""A bot, its customers and agents, all by HTTP. Background tasks run at once."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

import pytest
from django.test import Client as Http

from agents.models import Agent
from dispatch import scheduler
from dispatch.models import Assignment, Offer
from tests import factories
from tests.receiver import Receiver
from tickets.models import Ticket


class Desk:
    """The browser of one agent."""

    def __init__(self, agent: Agent, commit: Callable[[], AbstractContextManager[Any]]) -> None:
        self.agent, self.commit = agent, commit
        self.http = Http()
        self.http.force_login(agent.user)

    def post(self, path: str, **form: Any) -> int:
        with self.commit():
            return self.http.post(f"/desk/{path}", form).status_code

    @property
    def offer(self) -> Offer:
        """The pending offer of the agent."""
        return Offer.objects.pending().get(agent=self.agent)

    @property
    def talk(self) -> Assignment:
        return Assignment.objects.filter(agent=self.agent).latest("started_at")

    def accept(self) -> Assignment:
        self.post(f"offers/{self.offer.pk}/accept")
        return self.talk

    def decline(self) -> int:
        return self.post(f"offers/{self.offer.pk}/decline")

    def act(self, verb: str, **form: Any) -> int:
        return self.post(f"conversations/{self.talk.pk}/{verb}", **form)


class World:
    """A client with its bot, and agents who come to work."""

    def __init__(self, api: Any, receiver: Receiver, commit: Any) -> None:
        self.api, self.receiver, self.commit = api, receiver, commit
        factories.make_card(api.client)
        self.endpoint = factories.make_endpoint(api.client, receiver.url)

    def desk(self, name: str = "Amina", **given: Any) -> Desk:
        with self.commit():
            agent = factories.make_agent(name, **given)
        return Desk(agent, self.commit)

    def escalate(self, **given: Any) -> Ticket:
        with self.commit():
            answer = self.api.escalate(**given)
        assert answer.status_code == 201
        return Ticket.objects.get(pk=answer.json()["ticket"])

    def say(self, ticket: Ticket, text: str, number: str) -> int:
        with self.commit():
            body = {"client_message_id": number, "text": text}
            return self.api.post(f"tickets/{ticket.pk}/messages", body).status_code

    def leave(self, ticket: Ticket) -> int:
        with self.commit():
            return self.api.post(f"tickets/{ticket.pk}/cancel", {}).status_code

    def state(self, ticket: Ticket) -> dict[str, Any]:
        state: dict[str, Any] = self.api.get(f"tickets/{ticket.pk}").json()
        return state

    def tick(self) -> dict[str, int]:
        """Run one tick of the scheduler."""
        with self.commit():
            return scheduler.tick()


@pytest.fixture
def world(
    api: Any,
    receiver: Receiver,
    hints_at_once: None,
    django_capture_on_commit_callbacks: Callable[..., Any],
) -> World:
    return World(api, receiver, partial(django_capture_on_commit_callbacks, execute=True))
