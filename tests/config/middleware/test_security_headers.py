"""The security headers of every response: content policy, framing, caching."""

from typing import Any

import pytest
from django.conf import settings
from django.test import Client as Http

PAGES = ["/desk/login/", "/api/v1/nothing", "/healthz", "/nowhere"]


def read_policy(path: str) -> dict[str, str]:
    answer = Http().get(path)
    parts = answer.headers["Content-Security-Policy"].split(";")
    return dict(part.strip().partition(" ")[::2] for part in parts)


@pytest.mark.django_db
@pytest.mark.parametrize("path", PAGES)
def test_every_page_has_security_headers(path: str) -> None:
    answer = Http().get(path)

    said = {name: answer.headers.get(name) for name in answer.headers}
    assert said["X-Content-Type-Options"] == "nosniff"
    assert said["X-Frame-Options"] == "DENY"
    assert said["Referrer-Policy"] == "same-origin"
    assert said["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "camera=()" in str(said["Permissions-Policy"])


@pytest.mark.django_db
def test_our_pages_run_our_scripts_and_no_inline_script() -> None:
    policy = read_policy("/desk/login/")

    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == "'self'"
    assert policy["style-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert policy["base-uri"] == "'none'"
    assert policy["form-action"] == "'self'"


@pytest.mark.django_db
def test_our_pages_connect_to_our_own_websocket_only() -> None:
    sources = read_policy("/desk/login/")["connect-src"].split()

    assert sources == ["'self'", *(o.replace("http", "ws", 1) for o in settings.ALLOWED_ORIGINS)]


@pytest.mark.django_db
def test_only_the_admin_may_evaluate_scripts() -> None:
    assert "'unsafe-eval'" in read_policy("/admin/login/")["script-src"]
    assert "'unsafe-eval'" not in read_policy("/desk/login/")["script-src"]
    assert read_policy("/admin/login/")["frame-ancestors"] == "'none'"


@pytest.mark.django_db
def test_a_response_that_names_a_person_is_not_cached(api: Any) -> None:
    opened = api.escalate()
    answers = [opened, api.get(f"tickets/{opened.json()['ticket']}"), Http().get("/desk/login/")]

    kept = [answer.headers["Cache-Control"] for answer in answers]
    assert all("no-store" in words for words in kept)


@pytest.mark.django_db
def test_another_host_is_refused() -> None:
    answer = Http(headers={"host": "evil.example"}).get("/desk/login/")

    assert answer.status_code == 400


@pytest.mark.django_db
def test_a_form_from_another_page_is_refused() -> None:
    strict = Http(enforce_csrf_checks=True)

    assert strict.post("/desk/login/", {"username": "a", "password": "b"}).status_code == 403
