"""An agent and a logged-in browser, with or without scripts."""

from typing import Any

import pytest
from django.test import Client as Http

from agents.models import Agent
from tests import factories


class Browser(Http):
    """A test client for URLs under /desk/."""

    def look(self, address: str = "", **given: Any) -> Any:
        return self.get(f"/desk/{address}", given)

    def act(self, address: str, **said: Any) -> Any:
        return self.post(f"/desk/{address}", said)


def browser_of(agent: Agent, *, scripts: bool = False) -> Browser:
    browser = Browser(headers={"hx-request": "true"} if scripts else {})
    browser.force_login(agent.user)
    return browser


@pytest.fixture
def amina(db: None) -> Agent:
    return factories.make_agent("Amina", languages={"en": 5, "fr": 5})


@pytest.fixture
def plain(amina: Agent) -> Browser:
    """Amina's browser with scripts off."""
    return browser_of(amina)


@pytest.fixture
def live(amina: Agent) -> Browser:
    """Amina's browser as a page with scripts asks."""
    return browser_of(amina, scripts=True)
