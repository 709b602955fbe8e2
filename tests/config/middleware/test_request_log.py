"""Request ids and log lines: an id for each request, a line for each API call."""

import json
import logging
import re
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
import structlog
from django.test import Client as Http
from structlog.contextvars import clear_contextvars, merge_contextvars
from structlog.testing import LogCapture

from config import logs
from config.middleware import request_log
from tests import factories
from tickets.models import Ticket

pytestmark = pytest.mark.django_db


@pytest.fixture
def lines() -> Iterator[list[Any]]:
    """The lines of our own loggers during a test, with their bound context."""
    kept = LogCapture()
    processors = structlog.get_config()["processors"]
    before = list(processors)
    processors[:] = [merge_contextvars, kept]
    yield kept.entries
    processors[:] = before


def test_the_callers_id_is_returned() -> None:
    answer = Http().get("/healthz", headers={"x-request-id": "from-the-bot_1"})

    assert answer.headers["X-Request-ID"] == "from-the-bot_1"


@pytest.mark.parametrize(
    "given", ["", "short", "x" * 65, "Mia K. is ill", "a\tb\tc\td\te", "é" * 9]
)
def test_an_unsafe_id_is_replaced_by_ours(given: str) -> None:
    answer = Http().get("/healthz", headers={"x-request-id": given})

    assert re.fullmatch(r"[0-9a-f]{32}", answer.headers["X-Request-ID"])


def test_an_api_call_logs_one_line(api: Any, lines: list[Any]) -> None:
    answer = api.post(
        "escalations",
        factories.escalation(),
        **{"idempotency-key": str(uuid4()), "x-request-id": "from-the-bot"},
    )

    (line,) = [line for line in lines if line["event"] == "request"]
    assert line.pop("ms") > 0
    assert line == {
        "event": "request",
        "log_level": "info",
        "request_id": "from-the-bot",
        "client": api.client.slug,
        "ticket": answer.json()["ticket"],
        "method": "POST",
        "route": "api/v1/escalations",
        "status": 201,
    }


def test_the_line_names_the_route_and_not_the_path(api: Any, lines: list[Any]) -> None:
    api.get(f"tickets/{uuid4()}", mia="ill")

    (line,) = lines
    assert (line["route"], line["status"]) == ("api/v1/tickets/<uuid:ticket_id>", 404)
    assert "ill" not in str(line)


def test_the_context_of_a_request_is_unbound_in_the_next(api: Any, lines: list[Any]) -> None:
    api.escalate()

    Http().get("/api/v1/tickets/none")

    assert "client" not in lines[-1]
    assert "ticket" not in lines[-1]


def test_a_page_logs_no_api_line(lines: list[Any]) -> None:
    Http().get("/healthz")

    assert lines == []


def parse_line(record: logging.LogRecord) -> dict[str, Any]:
    line: dict[str, Any] = json.loads(logs.make_formatter().format(record))
    return line


def catch(fail: Callable[[], Any]) -> Any:
    try:
        fail()
    except Exception as error:
        return (type(error), error, error.__traceback__)


def test_a_line_of_a_package_is_json_with_the_bound_context() -> None:
    clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id="r-1")
    record = logging.LogRecord("uvicorn.error", logging.WARNING, "", 1, "slow %s", ("x",), None)

    line = parse_line(record)

    assert line.pop("at").endswith("Z")
    assert line == {
        "event": "slow x",
        "request_id": "r-1",
        "level": "warning",
        "logger": "uvicorn.error",
    }


def test_an_exception_is_logged_by_constraint_without_the_text_it_quotes() -> None:
    ticket = factories.make_ticket(customer={"ref": "c", "name": "Canary"})

    def fail() -> None:
        Ticket.objects.create(**{**make_log_context(ticket), "id": uuid4()})

    record = logging.LogRecord("x", logging.ERROR, "", 1, "failed", (), catch(fail))
    line = parse_line(record)

    assert line["exception"] == (
        "IntegrityError < UniqueViolation 23505 tickets_ticket one_open_ticket_per_conversation"
    )
    assert any("test_request_log.py" in frame for frame in line["frames"])
    assert ticket.conversation_ref not in str(line)


def make_log_context(ticket: Ticket) -> dict[str, Any]:
    return {field.attname: getattr(ticket, field.attname) for field in ticket._meta.concrete_fields}


def test_the_line_of_a_failed_celery_task_quotes_nothing() -> None:
    about = {"name": "dispatch.tasks.run_waves", "id": "t-1", "description": "raised unexpected"}
    record = logging.LogRecord(
        "celery.app.trace", logging.ERROR, "", 1, "%(exc)s", ({"exc": "Canary"},), None
    )
    record.data = about

    assert parse_line(record)["event"] == "dispatch.tasks.run_waves t-1 raised unexpected"


def test_a_websocket_gets_a_request_id_too() -> None:
    assert re.fullmatch(r"[0-9a-f]{32}", request_log.clean_request_id(""))
