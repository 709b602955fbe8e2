"""The systems that are measured: the product's real processes, and its rival's."""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import psycopg
from psycopg.conninfo import make_conninfo

from benchmarks.load import Target
from config import embedded
from config.up import processes
from tests import platform as platforms

CARD = re.compile(r'data-offer="([0-9a-f-]{36})"')
LANGUAGES = ["en", "fr", "sv", "de"]
SUMMARY = "Card ordered two weeks ago, tracking says delivered."
SAID = [{"role": "customer", "at": "2026-11-22T10:00:00Z", "text": "I want a human"}] * 6


@dataclass(frozen=True)
class System:
    """A system that runs: where to load it, and the processes whose CPU is its cost."""

    target: Target
    roots: list[int]


@contextmanager
def product(agents: int) -> Iterator[System]:
    """Everything on: key, idempotency, outbox, reasons. Measured behind its door, as the rival."""
    database = fresh("product")
    secret, sessions = populate(agents)
    with platforms.running(database, leave_out=("chatbot", "door")) as platform:
        web, live = platform.ports.web, platform.ports.live
        headers = [f"Authorization: Bearer {secret}"]
        target = Target(
            "127.0.0.1",
            web,
            request=lambda: http(
                "/api/v1/escalations", escalation(), *headers, f"Idempotency-Key: {key()}"
            ),
            reference=lambda body: str(json.loads(body)["ticket"]),
            offered=lambda frame: found[1] if (found := CARD.search(str(frame))) else None,
            sockets=[
                (f"ws://127.0.0.1:{live}/ws/desk/", {"Cookie": f"session={session}"})
                for session in sessions
            ],
            origin=platform.url,
        )
        yield System(target, [each.pid for each in platform.running.values()] + servers())


@contextmanager
def naive(agents: int) -> Iterator[System]:
    """The rival of `benchmarks.naive`."""
    address = make_conninfo(os.environ["DATABASE_URL"], dbname=fresh("naive"))
    environment = {
        **os.environ,
        "DATABASE_URL": address,
        "DJANGO_SETTINGS_MODULE": "benchmarks.naive.settings",
    }
    port = processes.free_port()
    with ExitStack() as stack:
        subprocess.run(
            [sys.executable, "-m", "django", "migrate", "--run-syncdb", "-v", "0"],
            env=environment, check=True,
        )  # fmt: skip
        numbers = rival_agents(address, agents)
        web = ["-m", "uvicorn", "benchmarks.naive.asgi:application", "--port", str(port)]
        worker = ["-m", "celery", "-A", "benchmarks.naive.tasks", "worker", "-c", "2"]
        roots = [
            stack.enter_context(process(command, environment))
            for command in ([*web, "--no-access-log", "--log-level", "error"], worker)
        ]
        time.sleep(5)
        target = Target(
            "127.0.0.1",
            port,
            request=lambda: http("/tickets/", rival_ticket()),
            reference=lambda body: str(json.loads(body)["id"]),
            offered=lambda frame: str(json.loads(frame)["ticket"]),
            sockets=[(f"ws://127.0.0.1:{port}/ws/{number}/", {}) for number in numbers],
        )
        yield System(target, roots + servers())


def populate(agents: int) -> tuple[str, list[str]]:
    """A client with a key, and agents who are logged in and available, a fourth a language."""
    from agents import presence
    from agents.models import Presence
    from tests.factories import make_agent, make_card, make_client, make_key
    from tickets import clock

    client = make_client("bench")
    make_card("bench")
    sessions = []
    for number in range(agents):
        language = LANGUAGES[number % len(LANGUAGES)]
        agent = make_agent(f"Agent {number}", {language: 5}, available=False)
        sessions.append(session_of(agent.user))
    # They may hold all the offers of a run, as the rival's may.
    Presence.objects.update(capacity=1000)
    at = clock.now()
    for row in Presence.objects.select_related("agent"):
        presence.go_available(row.agent, at=at)
    return make_key(client), sessions


def session_of(user: Any) -> str:
    """A logged-in session of this user."""
    from django.test import Client

    browser = Client()
    browser.force_login(user)
    return browser.cookies["session"].value


def fresh(name: str) -> str:
    """An empty database of this name; for the product its tables, and Django on it."""
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as server:
        server.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        server.execute(f"CREATE DATABASE {name}")
    if name == "product":
        from django.core.management import call_command
        from django.db import connection

        connection.close()
        connection.settings_dict["NAME"] = name
        call_command("migrate", verbosity=0)
    return name


def rival_agents(address: str, agents: int) -> list[int]:
    with psycopg.connect(address) as database:
        rows = database.execute(
            "INSERT INTO naive_agent (language, online, load, last_at)"
            " SELECT (%s::text[])[1 + n %% 4], true, 0, now() FROM generate_series(1, %s) n"
            " RETURNING id",
            [LANGUAGES, agents],
        )
        return [number for (number,) in rows]


@contextmanager
def process(command: list[str], environment: dict[str, str]) -> Iterator[int]:
    with tempfile.TemporaryFile() as log:
        started = subprocess.Popen(
            [sys.executable, *command],
            env=environment,
            cwd=embedded.BASE_DIR,
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=embedded.die_with_parent(signal.SIGKILL),
        )
        try:
            yield started.pid
        finally:
            os.killpg(started.pid, signal.SIGKILL)
            started.wait()


def servers() -> list[int]:
    """PostgreSQL and Valkey, which this process started."""
    return [
        child.pid
        for child in psutil.Process().children()
        if Path(child.exe()).name.startswith(("postgres", "valkey"))
    ]


def http(path: str, body: dict[str, Any], *headers: str) -> bytes:
    written = json.dumps(body).encode()
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: 127.0.0.1",
        "Content-Type: application/json",
        f"Content-Length: {len(written)}",
        *headers,
    ]
    return "\r\n".join([*lines, "", ""]).encode() + written


def key() -> str:
    return str(uuid.uuid4())


def escalation() -> dict[str, Any]:
    number = uuid.uuid4()
    return {
        "version": 1,
        "conversation_ref": str(number),
        "customer": {"ref": "u-1", "name": "Mia K."},
        "language": LANGUAGES[number.int % len(LANGUAGES)],
        "topic": "card-not-arrived",
        "summary": SUMMARY,
        "transcript": SAID,
    }


def rival_ticket() -> dict[str, Any]:
    number = uuid.uuid4()
    return {
        "conversation_ref": str(number),
        "customer_name": "Mia K.",
        "language": LANGUAGES[number.int % len(LANGUAGES)],
        "topic": "card-not-arrived",
        "summary": SUMMARY,
    }
