"""Login to the desk, and the language of its pages."""

import pytest
from django.test import Client as Http

from agents.models import Agent, User
from tests import factories
from tests.dispatch.desk.conftest import Browser

ADDRESSES = ["", "state", "earnings/", "leave/"]


@pytest.fixture
def elsa(db: None) -> Agent:
    return factories.make_agent("Elsa", username="elsa", password=factories.PASSWORD)


def log_in(http: Http, password: str = factories.PASSWORD, **given: str) -> object:
    said = {"username": "elsa", "password": password, **given}
    return http.post("/desk/login/", said)


def test_logging_in_leads_to_the_desk(elsa: Agent, client: Http) -> None:
    answer = log_in(client)

    assert (answer.status_code, answer.url) == (302, "/desk/")


def test_a_wrong_password_shows_one_sentence(elsa: Agent, client: Http) -> None:
    page = log_in(client, password="wrong").content.decode()

    assert page.count('role="alert"') == 1
    assert "This name and password don&#x27;t match. Check both and try again." in page


def test_logging_in_does_not_redirect_to_another_site(elsa: Agent, client: Http) -> None:
    assert log_in(client, next="https://evil.example/").url == "/desk/"


def test_logging_in_sets_the_language_of_the_pages(elsa: Agent, client: Http) -> None:
    User.objects.filter(pk=elsa.user_id).update(language="fr")

    log_in(client)

    assert client.cookies["django_language"].value == "fr"
    assert '<html lang="fr">' in client.get("/desk/").content.decode()


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_anonymous_user_is_sent_to_the_login(db: None, client: Http, address: str) -> None:
    answer = client.get(f"/desk/{address}")

    assert (answer.status_code, answer.url) == (302, f"/desk/login/?next=/desk/{address}")


def test_an_open_page_without_a_session_is_sent_to_the_login(db: None) -> None:
    answer = Http(headers={"hx-request": "true"}).get("/desk/state")

    assert (answer.status_code, answer.headers["HX-Redirect"]) == (401, "/desk/login/")


def test_a_coordinator_gets_a_link_to_the_admin(db: None, client: Http) -> None:
    client.force_login(factories.make_coordinator())

    answer = client.get("/desk/")

    assert answer.status_code == 403
    assert 'href="/admin/"' in answer.content.decode()


def test_a_user_who_is_no_agent_is_refused_with_a_reason(db: None, client: Http) -> None:
    client.force_login(factories.make_user())

    answer = client.get("/desk/")

    assert answer.status_code == 403
    assert "/admin/" not in answer.content.decode()


def test_the_language_is_stored_with_the_user(plain: Browser, amina: Agent) -> None:
    answer = plain.act("language", language="fr", next="/desk/earnings/")

    assert answer.url == "/desk/earnings/"
    assert User.objects.get(pk=amina.user_id).language == "fr"
    assert plain.cookies["django_language"].value == "fr"


def test_the_language_of_the_user_overrides_the_browser(plain: Browser) -> None:
    answer = plain.get("/desk/", headers={"accept-language": "fr"})

    assert answer.headers["Content-Language"] == "en"
    assert '<html lang="en">' in answer.content.decode()


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example/", "javascript:1"])
def test_the_language_switch_does_not_redirect_to_another_site(
    plain: Browser, elsewhere: str
) -> None:
    assert plain.act("language", language="en", next=elsewhere).url == "/desk/"


def test_an_unsupported_language_is_refused(plain: Browser, amina: Agent) -> None:
    assert plain.act("language", language="xx").status_code == 422
    assert User.objects.get(pk=amina.user_id).language == "en"


def test_a_post_without_a_csrf_token_is_refused_with_a_reason(amina: Agent) -> None:
    strict = Http(enforce_csrf_checks=True)
    strict.force_login(amina.user)

    answer = strict.post("/desk/presence", {"status": "offline"})

    assert answer.status_code == 403
    assert "This page was open for too long." in answer.content.decode()
    assert factories.read_presence(amina).status == "available"
