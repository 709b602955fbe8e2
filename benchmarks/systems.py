"""The measured systems: the product's real processes, its rival's, and the bare floor.

Each starts on a fresh copy of a prepared database with a thousand agents, and is emptied between
two steps.
"""

import asyncio
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Protocol

import psycopg
import uvloop

from benchmarks import cpu, databases, requests
from benchmarks.load import Load, Target, draw_arrivals
from benchmarks.outcome import Outcome
from config import embedded
from config.up import processes
from tests import platform as platforms

CARD = re.compile(rb'data-offer=\\?"([0-9a-f-]{36})')
LANGUAGES = requests.LANGUAGES
#: The capacity of an agent; with a thousand agents it exceeds the tickets of a step.
CAPACITY = 10

# Closes what a step left open; afterwards other agents come first. It takes the locks first and in
# the product's order, because another order could deadlock with the scheduler.
TIDY = {
    "product": (
        "BEGIN; LOCK tickets_ticket, dispatch_offer, agents_presence IN EXCLUSIVE MODE;"
        " UPDATE tickets_ticket SET status = 'abandoned', closed_at = clock_timestamp()"
        " WHERE closed_at IS NULL;"
        " UPDATE dispatch_offer SET status = 'withdrawn', settled_at = clock_timestamp()"
        " WHERE settled_at IS NULL;"
        " UPDATE agents_presence SET load = 0, status = 'available',"
        " seen_at = clock_timestamp(),"
        " idle_since = clock_timestamp() - random() * interval '1 hour'; COMMIT",
        "VACUUM ANALYZE",
    ),
    "naive": (
        "UPDATE naive_ticket SET status = 'closed' WHERE status <> 'closed'",
        "UPDATE naive_agent SET load = 0",
        "VACUUM ANALYZE",
    ),
}
RIVALS = """
INSERT INTO naive_agent (language, online, load, last_at)
SELECT (%s::text[])[1 + n %% 4], true, 0, now() FROM generate_series(1, %s) n
"""


class System(Protocol):
    """A running system that can be put under load."""

    def step(self, *, rate: float, seconds: float, seed: int) -> Outcome:
        """Empty the system first, then run a step."""
        ...


class Served:
    """A system behind HTTP and sockets, with its pages open."""

    def __init__(self, name: str, target: Target, roots: Sequence[int]) -> None:
        self.name = name
        self.load = Load(target, [*roots, *cpu.find_servers()])
        self.runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)

    def __enter__(self) -> "Served":
        self.runner.run(self.load.open())
        # The first requests open connections and fill caches, so they do not count.
        self.step(rate=10, seconds=2, seed=0)
        return self

    def __exit__(self, *_trouble: object) -> None:
        self.runner.run(self.load.close())
        self.runner.close()

    def step(self, *, rate: float, seconds: float, seed: int) -> Outcome:
        databases.run_statements(self.name, *TIDY[self.name])
        moments = draw_arrivals(rate, seconds, seed=seed)
        return self.runner.run(self.load.step(moments, rate=rate))


def prepare_product(agents: int) -> tuple[str, list[str]]:
    """Create the database to copy, with a client's key and a session of each agent."""
    from benchmarks import crowd
    from tests import factories

    def fill() -> tuple[str, list[str]]:
        client = factories.make_client("bench")
        factories.make_card(client)
        made = crowd.make_agents(agents, languages=LANGUAGES, capacity=CAPACITY)
        return factories.make_key(client), crowd.make_sessions(made)

    return databases.prepare("product_ready", fill)


@contextmanager
def run_product(key: str, sessions: list[str]) -> Iterator[System]:
    """The product with everything on: key, idempotency, outbox, reasons. Measured behind its proxy,
    as the rival."""
    databases.create("product", like="product_ready")
    databases.forget_hints()
    with platforms.run_platform("product", leave_out=("chatbot", "door")) as platform:
        target = Target(
            "127.0.0.1",
            platform.ports.web,
            request=partial(requests.make_escalation, key),
            read_reference=requests.read_ticket,
            read_offered=lambda frame: found[1].decode() if (found := CARD.search(frame)) else None,
            sockets=[make_desk_socket(platform, session) for session in sessions],
            beat=b"{}",
            make_shown=lambda offer: b'{"shown":"%s"}' % offer.encode(),
            tickets_of=find_tickets,
        )
        roots = [each.pid for each in platform.running.values()]
        with Served("product", target, roots) as served:
            yield served


def make_desk_socket(platform: platforms.Platform, session: str) -> tuple[str, dict[str, str]]:
    headers = {"Cookie": f"session={session}", "Origin": platform.url}
    return f"ws://127.0.0.1:{platform.ports.live}/ws/desk/", headers


def find_tickets(seen: dict[str, float]) -> dict[str, float]:
    """Look up the ticket of each offer in the database, because the product's frames name offers
    only."""
    query = "SELECT ticket_id::text, id::text FROM dispatch_offer WHERE id = ANY(%s::uuid[])"
    with psycopg.connect(databases.make_address("product")) as database:
        made = database.execute(query, [list(seen)]).fetchall()
    first: dict[str, float] = {}
    for ticket, offer in made:
        first[ticket] = min(seen[offer], first.get(ticket, seen[offer]))
    return first


def prepare_naive(agents: int) -> list[int]:
    """Create the rival's database to copy, with the numbers of its agents."""
    databases.create("naive_ready")
    migrate = ["-m", "django", "migrate", "--run-syncdb", "-v", "0"]
    subprocess.run(
        [sys.executable, *migrate], env=make_rival_environment("naive_ready"), check=True
    )
    databases.run_statements("naive_ready", "VACUUM ANALYZE")
    with psycopg.connect(databases.make_address("naive_ready")) as database:
        rows = database.execute(f"{RIVALS} RETURNING id", [list(LANGUAGES), agents])
        return [number for (number,) in rows]


@contextmanager
def run_naive(numbers: list[int]) -> Iterator[System]:
    """The rival of `benchmarks.naive`. It has no presence, so its pages send nothing."""
    databases.create("naive", like="naive_ready")
    databases.forget_hints()
    port = processes.find_free_port()
    web = ["-m", "uvicorn", "benchmarks.naive.asgi:application", "--port", str(port)]
    worker = ["-m", "celery", "-A", "benchmarks.naive.tasks", "worker", "-c", "2"]
    commands = [[*web, "--no-access-log", "--log-level", "error"], worker]
    with ExitStack() as stack:
        roots = [stack.enter_context(run_process(command)) for command in commands]
        embedded.retry(partial(requests.check_server, port), OSError, seconds=30)
        target = Target(
            "127.0.0.1",
            port,
            request=requests.make_rival_ticket,
            read_reference=requests.read_rival_reference,
            read_offered=requests.read_rival_offer,
            sockets=[(f"ws://127.0.0.1:{port}/ws/{number}/", {}) for number in numbers],
        )
        yield stack.enter_context(Served("naive", target, roots))


def make_rival_environment(database: str) -> dict[str, str]:
    return {
        **os.environ,
        "DATABASE_URL": databases.make_address(database),
        "DJANGO_SETTINGS_MODULE": "benchmarks.naive.settings",
    }


@contextmanager
def run_process(command: list[str]) -> Iterator[int]:
    with tempfile.TemporaryFile() as log:
        started = subprocess.Popen(
            [sys.executable, *command],
            env=make_rival_environment("naive"),
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
