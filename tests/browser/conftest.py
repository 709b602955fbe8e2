"""A real Chromium against the platform's real processes, on this session's test database."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from tests import servers
from tests.platform import Platform
from tests.receiver import Receiver, run_receiver

DATA = Path(
    os.environ.get("SHARED_DATA") or Path(__file__).parents[3] / "shared" / "data"
).resolve()
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with run_receiver() as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser for one module, because Playwright's event loop on this thread disturbs Django."""
    program = servers.find_chromium()
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        chromium = playwright.chromium.launch(executable_path=program, args=QUIET)
        yield chromium
        chromium.close()


@pytest.fixture
def phone(browser: Browser, platform: Platform) -> Iterator[Page]:
    """A page as wide as a small phone. An error in its console fails the test."""
    yield from page(browser, platform, width=360, height=740)


def page(browser: Browser, platform: Platform, **viewport: Any) -> Iterator[Page]:
    context = browser.new_context(base_url=platform.url, viewport=viewport)
    opened = context.new_page()
    troubles: list[str] = []
    opened.on("pageerror", lambda error: troubles.append(str(error)))
    opened.on("console", lambda said: troubles.append(said.text) if is_trouble(said) else None)
    yield opened
    context.close()
    assert troubles == []


def is_trouble(said: ConsoleMessage) -> bool:
    """True for an error that is not about the network, because tests cut the network on purpose."""
    of_the_network = said.text.startswith(("Failed to load resource", "WebSocket connection"))
    return said.type == "error" and not of_the_network
