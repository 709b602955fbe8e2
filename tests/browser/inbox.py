"""The webhook inbox of a client. It checks every signature and stores each webhook once."""

import time
from collections.abc import Callable
from typing import Any

from standardwebhooks import Webhook

from tests.receiver import Receiver


class Inbox:
    def __init__(self, receiver: Receiver, secret: str) -> None:
        self.receiver, self.webhook = receiver, Webhook(secret)

    def about(self, ticket: str) -> list[dict[str, Any]]:
        """List the webhooks of a ticket, in order of arrival. Raises on a wrong signature."""
        news: dict[str, dict[str, Any]] = {}
        for one in list(self.receiver.received):
            news.setdefault(one.headers["webhook-id"], self.webhook.verify(one.body, one.headers))
        return [body for body in news.values() if body["data"]["ticket"] == ticket]

    def kinds(self, ticket: str) -> list[str]:
        return [body["type"] for body in self.about(ticket)]

    def agent_words(self, ticket: str) -> list[str]:
        said = [body for body in self.about(ticket) if body["type"] == "message.created"]
        return [body["data"]["message"]["text"] for body in said]


def await_true(wanted: Callable[[], bool], *, seconds: float = 20) -> float:
    """Wait until the condition is true; returns how many seconds that took."""
    started = time.monotonic()
    while not wanted():
        assert time.monotonic() - started < seconds, "waited in vain"
        time.sleep(0.05)
    return time.monotonic() - started
