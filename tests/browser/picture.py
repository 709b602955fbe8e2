"""The README's picture: a desk with a conversation and an offer, from the real platform."""

import os
import sys
from pathlib import Path
from typing import Any

import django
from playwright.sync_api import Page, sync_playwright

from tests import platform, servers
from tests.platform import Platform

PASSWORD = "only-for-the-picture-2210"
ASKED: dict[str, Any] = {
    "topic": "card-not-arrived",
    "skills": {"cards": 2},
    "summary": "Card ordered two weeks ago, tracking says delivered.",
    "tried": ["Explained postal delay", "Asked for the tracking number"],
    "context": {"member since": "2019", "card": "debit, metal"},
}


def main(path: Path) -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    os.environ["SECRET_KEY"] = platform.SECRET
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    program = servers.find_chromium()
    with servers.run_servers(), sync_playwright() as playwright:
        django.setup()
        populate()
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        with platform.run_platform("releve") as running:
            page = browser.new_page(
                base_url=running.url, viewport={"width": 1280, "height": 720}, locale="en-GB"
            )
            scene(page, running)
            path.parent.mkdir(exist_ok=True)
            page.screenshot(path=path)
        browser.close()


def populate() -> None:
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    from tests.factories import make_agent, make_card, make_client, make_skill

    make_card(make_client("nordbank", name="Nordbank"), per_ticket=140, skills={"cards": 30})
    make_skill("cards")
    make_agent(
        "Amina",
        skills={"cards": 4},
        capacity=2,
        username="amina",
        password=PASSWORD,
        available=False,
    )


def scene(page: Page, running: Platform) -> None:
    """Accept one, talk, and be offered another."""
    from tests.factories import make_ticket
    from tickets import clock, conversation
    from tickets.models import Message

    page.goto("/desk/")
    page.fill("input[name=username]", "amina")
    page.fill("input[name=password]", PASSWORD)
    page.press("input[name=password]", "Enter")
    page.click("[data-action=go-available]")
    ticket = make_ticket(**ASKED, customer={"ref": "u-77", "name": "Mia K."})
    page.click("article.offer [data-action=accept]")
    for number, text in enumerate(["I am still waiting on my card.", "Two weeks now…"]):
        conversation.add_message(
            ticket,
            origin=Message.Origin.CUSTOMER,
            text=text,
            client_message_id=str(number),
            at=clock.now(),
        )
    page.fill("textarea[name=text]", "Hello Mia, I can see it here and have it sent again today.")
    page.press("textarea[name=text]", "Enter")
    make_ticket(topic="refund-status", customer={"ref": "u-78", "name": "Noah B."})
    page.wait_for_selector("article.offer")
    page.wait_for_timeout(1500)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
