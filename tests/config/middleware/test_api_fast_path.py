"""The API's fast path: as protected as a page, without the pages' cookies and languages."""

from typing import Any

import psycopg
import pytest
from django.db import close_old_connections, connection
from django.test import Client as Http
from django.utils import translation

from tests import factories

pytestmark = pytest.mark.django_db

GUARDS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}


def test_successes_and_refusals_of_the_api_have_the_same_security_headers(api: Any) -> None:
    for answer in (api.escalate(), api.escalate(vip=True), Http().get("/api/v1/nothing")):
        assert {name: answer.headers.get(name) for name in GUARDS} == GUARDS
        assert "camera=()" in answer.headers["Permissions-Policy"]
        assert answer.headers["Content-Length"] == str(len(answer.content))


def test_the_api_neither_reads_nor_sets_a_cookie(api: Any) -> None:
    api.http.cookies["session"] = "of-nobody"

    answer = api.escalate()

    assert (answer.status_code, dict(answer.cookies)) == (201, {})
    assert "Cookie" not in answer.headers.get("Vary", "")


def test_a_page_login_gives_no_access_to_the_api() -> None:
    browser = Http()
    browser.force_login(factories.make_coordinator())
    ticket = factories.make_ticket()

    assert browser.get(f"/api/v1/tickets/{ticket.pk}").status_code == 401


def test_the_api_answers_in_english_after_a_french_page(api: Any) -> None:
    Http(headers={"accept-language": "fr"}).get("/desk/login/")
    assert translation.get_language() == "fr"

    answer = Http(headers={"accept-language": "fr"}).post("/api/v1/escalations")

    assert answer.json()["detail"] == "Authentication credentials were not provided."


def test_an_api_call_for_an_unknown_host_is_refused(api: Any) -> None:
    answer = api.http.get("/api/v1/nothing", headers={"host": "evil.example"})

    assert answer.status_code == 400


def test_the_api_docs_have_the_headers_of_pages() -> None:
    answer = Http().get("/api/v1/docs")

    assert "script-src 'self'" in answer.headers["Content-Security-Policy"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("no_worker")
def test_a_call_after_the_server_closed_the_connection_is_answered(api: Any) -> None:
    ticket = factories.make_ticket()
    connection.ensure_connection()
    kept = connection.connection.info.backend_pid
    there = {name: connection.settings_dict[name.upper()] for name in ("user", "host")}
    with psycopg.connect(dbname=connection.settings_dict["NAME"], **there) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [kept])

    # The test client skips this first step of a request.
    close_old_connections()
    answer = api.get(f"tickets/{ticket.pk}")

    assert answer.status_code == 200
    assert connection.connection.info.backend_pid != kept
