"""The chatbot's page: its responses, and its behaviour in Chromium."""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import httpx
import pytest
from playwright.sync_api import sync_playwright

from tests import servers
from tests.examples.world import Program, Visitor

QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
SMALL_TARGETS = """() => [...document.querySelectorAll("button, input, textarea")]
    .filter((one) => one.checkVisibility())
    .filter((one) => one.offsetWidth < 44 || one.offsetHeight < 44)
    .map((one) => one.outerHTML)"""


def test_a_first_visit_asks_for_a_name_and_sets_a_protected_cookie(program):
    answer = httpx.get(program.url)

    assert 'name="name"' in answer.text
    assert "HttpOnly" in answer.headers["set-cookie"]
    assert "SameSite=lax" in answer.headers["set-cookie"]


def test_the_page_allows_no_script_or_style_of_other_sites(visitor):
    visitor.say("<script>alert(1)</script>")

    answer = visitor.http.get("")

    assert answer.headers["content-security-policy"].startswith(
        "default-src 'none'; script-src 'self'"
    )
    assert "<script>alert" not in answer.text
    assert "style=" not in answer.text


def test_the_page_and_its_files_weigh_less_than_40_kb(visitor):
    files = ["", "static/chat.css", "static/chat.js", "static/mark.svg"]

    assert sum(len(visitor.http.get(file).content) for file in files) < 40_000


def test_a_form_from_another_site_is_refused(visitor):
    answer = visitor.http.post(
        "messages", data={"text": "hi"}, headers={"Sec-Fetch-Site": "cross-site"}
    )

    assert answer.status_code == 403


def test_an_empty_message_is_refused(visitor):
    assert visitor.say("   ").status_code == 400


def test_a_repeated_message_is_stored_once(visitor):
    id = str(uuid4())

    visitor.say("My card is blocked", id)
    visitor.say("My card is blocked", id)

    assert [sender for sender, _ in visitor.log()] == ["bot", "customer", "bot"]


def test_a_visitor_can_switch_the_language(visitor):
    visitor.http.post("language", data={"language": "fr"})

    assert '<html lang="fr">' in visitor.page()
    assert visitor.state()["headline"] == "Vous êtes avec Vega, un robot"


# In a browser


@pytest.mark.browser
@pytest.mark.parametrize("width", [360, 1280])
def test_a_customer_loses_no_message_when_the_chatbot_is_killed(releve, tmp_path, width):
    program = Program(releve.url, tmp_path)
    program.start()

    # A separate thread, because Playwright keeps an event loop running on its thread.
    with ThreadPoolExecutor(1) as thread:
        troubles = thread.submit(run_in_chromium, run_story, program, releve, width).result()

    program.stop()
    assert troubles == []


def run_in_chromium(story, program, releve, width):
    """Run the story in a page; returns the errors that the page logged."""
    troubles = []
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=servers.find_chromium(), args=QUIET)
        page = chromium.new_page(viewport={"width": width, "height": 700}, locale="en")
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on(
            "console", lambda said: troubles.append(said.text) if is_policy_error(said) else None
        )
        story(page, program, releve)
        chromium.close()
    return troubles


def is_policy_error(said):
    return "Content Security Policy" in said.text


def run_story(page, program, releve):
    ask_for_a_human(page, program)
    with Visitor(program, releve) as visitor:
        visitor.ref = page.get_attribute("main", "data-conversation")
        talk_with_amina(page, program, visitor)


def talk_with_amina(page, program, visitor):
    visitor.tell("ticket.answered", version=2, agent={"name": "Amina"})
    visitor.agent_says("Hello <b>Mia</b>", seq=1)
    page.wait_for_selector('main[data-state="talking"]')
    assert page.text_content(".message.agent .text") == "Hello <b>Mia</b>"
    check_layout(page)
    lose_the_chatbot_while_writing(page, program)
    said = visitor.releve.said[visitor.releve.find_ticket(visitor.ref)["ticket"]]
    assert [message["text"] for message in said] == ["Are you there?"]
    visitor.tell("ticket.resolved", version=3, disposition="solved")
    page.wait_for_selector('main[data-state="bot"] .message.notice:last-child')


def ask_for_a_human(page, program):
    """Uses the keyboard alone."""
    page.goto(program.url)
    check_layout(page)
    page.keyboard.type("Mia")
    page.keyboard.press("Enter")
    page.wait_for_selector(".message.bot")
    check_layout(page)
    page.focus(".human button")
    page.keyboard.press("Enter")
    page.wait_for_selector('main[data-state="waiting"]')
    assert page.text_content("#headline") == "You are number 2, about 1 min"


def lose_the_chatbot_while_writing(page, program):
    program.kill()
    page.fill("#text", "Are you there?")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=Not sent, trying again")
    page.wait_for_selector("text=Connection lost")
    program.start()
    page.wait_for_selector('.message[data-delivery="sent"]')


def check_layout(page):
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate(SMALL_TARGETS) == []
