"""The product in French: every sentence has a translation, and pages show it."""

import io
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.pofile import read_po
from django.test import Client as Http
from django.utils import translation
from django.utils.translation.template import templatize

from agents.errors import AgentError
from agents.models import Agent, User
from config import translations
from dispatch.errors import DispatchError
from dispatch.realtime import push
from tests import factories
from tickets.errors import TicketError

ROOT = Path(__file__).resolve().parent.parent
APPS = ["agents", "tickets", "dispatch", "config"]
KEYWORDS: Any = {
    **dict.fromkeys(["_", "gettext", "gettext_lazy", "gettext_noop"]),
    **dict.fromkeys(["ngettext", "ngettext_lazy"], (1, 2)),
}
PLACEHOLDER = re.compile(r"%\(\w+\)\d*[sd]|%[sd]|\{\w*\}")
NO_BREAK = "\u00a0"
IN_FRENCH = {"accept-language": "fr"}

Text = str | tuple[str, ...]


@pytest.fixture(autouse=True)
def _other_tests_stay_english() -> Iterator[None]:
    """Reset the language, because a request leaves its own active."""
    with translation.override("en"):
        yield


@cache
def french() -> Catalog:
    with (ROOT / "locale/fr/LC_MESSAGES/django.po").open("rb") as catalog:
        return read_po(catalog, locale="fr")


@cache
def sentences() -> dict[Text, Path]:
    """The translatable strings of the sources, each with a file."""
    return {text: path for path in list_sources() for text in read_strings(path)}


def list_sources() -> Iterator[Path]:
    for app in APPS:
        for path in (ROOT / app).rglob("*"):
            if path.suffix in (".py", ".html") and "migrations" not in path.parts:
                yield path


def read_strings(path: Path) -> list[Text]:
    code = path.read_text()
    if path.suffix == ".html":
        # The rest of a template would be badly indented code.
        code = "\n".join(line.strip() for line in templatize(code).splitlines())
    found = extract("python", io.BytesIO(code.encode()), keywords=KEYWORDS)
    return [text for _line, text, _comments, _context in found if text]


def list_forms(text: Any) -> list[str]:
    return [text] if isinstance(text, str) else list(text)


def placeholders(text: str) -> list[str]:
    return sorted(PLACEHOLDER.findall(text))


def list_translated() -> list[Message]:
    return [message for message in french() if message.id]


def test_every_sentence_has_a_translation():
    catalog = french()
    found = {text: catalog.get(list_forms(text)[0]) for text in sentences()}

    untranslated = {
        text: str(sentences()[text].relative_to(ROOT))
        for text, message in found.items()
        if message is None or not all(list_forms(message.string))
    }

    assert len(found) > 400
    assert untranslated == {}


def test_no_translation_is_fuzzy():
    assert [message.id for message in list_translated() if message.fuzzy] == []


def test_no_translation_is_obsolete():
    said = {list_forms(text)[0] for text in sentences()}

    assert [
        text for text in (list_forms(each.id)[0] for each in list_translated()) if text not in said
    ] == []


def test_translations_keep_the_placeholders():
    broken = [
        form
        for message in list_translated()
        for form, given in zip(list_forms(message.string), list_forms(message.id), strict=True)
        if placeholders(form) not in (placeholders(given), placeholders(list_forms(message.id)[-1]))
    ]

    assert broken == []


def test_translations_follow_french_typography():
    """Checks no-break spaces before high punctuation, curly apostrophes, and no exclamation
    marks."""
    texts = [form for message in list_translated() for form in list_forms(message.string)]

    wrong = [text for text in texts if re.search(r" [:;?!»]|« |[^\s/\"(]\?|\w'\w|!", text)]

    assert wrong == []


@pytest.mark.parametrize("base", [AgentError, DispatchError, TicketError])
def test_every_refusal_is_translated(base: type[Exception]):
    kinds = [base, *base.__subclasses__()]

    assert {str(kind.__doc__) for kind in kinds if kind.__doc__} <= list_known()


def list_known() -> set[str]:
    return {list_forms(text)[0] for text in sentences()}


def test_each_listed_string_is_listed_once():
    named = [*translations.THEME, *translations.REFUSALS, *translations.ENDINGS]

    assert sorted(named) == sorted(set(named))


@pytest.fixture
def amelie(db: None) -> Agent:
    """An agent with French pages."""
    agent = factories.make_agent("Amélie", languages={"en": 5, "fr": 5})
    User.objects.filter(pk=agent.user_id).update(language="fr")
    agent.refresh_from_db()
    return agent


def test_the_landing_page_follows_the_browser(client: Http):
    page = client.get("/", headers=IN_FRENCH).content.decode()

    assert '<html lang="fr">' in page
    assert "Quand le bot ne peut pas aider, une personne prend la relève." in page


def test_the_desk_follows_its_agent(client: Http, amelie: Agent):
    client.force_login(amelie.user)

    page = client.get("/desk/").content.decode()

    assert "Vous êtes en ligne." in page
    assert f"0,00{NO_BREAK}€" in page


def test_a_refusal_at_the_desk_is_french(client: Http, amelie: Agent):
    work = factories.make_assignment(agent=amelie)
    client.force_login(amelie.user)

    answer = client.post(f"/desk/conversations/{work.pk}/finish")

    assert answer.status_code == 409
    assert "Cette conversation n’est plus chez vous." in answer.content.decode()


def test_an_offer_arrives_in_its_agents_language(amelie: Agent):
    offer = factories.make_offer(agent=amelie)
    quote = offer.quote

    card = push.card(offer)

    assert "Nouveau ticket" in card
    assert "Passer ne change rien." in card
    assert f"{quote.amount // 100},{quote.amount % 100:02}{NO_BREAK}€" in card
    assert "anglais" in card


@pytest.mark.django_db
def test_the_coordinators_pages_are_french(client: Http):
    coordinator = factories.make_coordinator()
    client.force_login(coordinator)

    page = client.get("/admin/", headers=IN_FRENCH).content.decode()

    assert "Plateau" in page
    assert "Promesses tenues aujourd’hui" in page


@pytest.mark.django_db
def test_a_refusal_in_the_admin_is_french(client: Http):
    offer = factories.make_assignment().offer
    client.force_login(factories.make_coordinator())
    asked = {"action": "withdraw", "_selected_action": str(offer.pk)}

    page = client.post("/admin/dispatch/offer/", asked, headers=IN_FRENCH, follow=True)

    said = f"{NO_BREAK}: Cette offre a déjà été déclinée ou retirée."
    assert said in page.content.decode()


def test_the_admin_theme_is_french_too():
    with translation.override("fr"):
        assert translation.gettext("Apply Filters") == "Appliquer les filtres"
