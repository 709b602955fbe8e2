"""The platform's real processes, on the test session's servers and a given database."""

import math
import os
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from django.db import connection
from psycopg.conninfo import make_conninfo

from config import embedded
from config.up import processes
from config.up.preparing import Preparation, compile_catalogs
from config.up.processes import Ports, Process

SECRET = "only-for-the-processes-a-test-starts-and-never-for-anything-else"

#: The time in seconds for which a process caches keys, rate cards and policies.
REMEMBERED = 5
#: The name of these processes at the database; the browser's test has its own connections.
NAME = "platform"
CLOSE_CONNECTIONS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = %s AND application_name = %s
"""


@dataclass
class Platform:
    """Runs the platform's processes; each may be killed and started again."""

    url: str
    folder: Path
    environment: Mapping[str, str]
    known: dict[str, Process]
    ports: Ports
    running: dict[str, subprocess.Popen] = field(default_factory=dict)
    frozen_at: float = -math.inf

    def start(self, *names: str) -> None:
        for name in names:
            process = self.known[name]
            with (self.folder / f"{name}.log").open("ab") as log:
                self.running[name] = subprocess.Popen(
                    process.command,
                    cwd=embedded.BASE_DIR,
                    env={**self.environment, **process.environment},
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    preexec_fn=embedded.die_with_parent(signal.SIGKILL),
                )

    def kill(self, name: str) -> None:
        """Kill a process with SIGKILL, its children included."""
        process = self.running.pop(name)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def freeze(self) -> None:
        """Freeze all processes and close their database connections, so that a test may flush until
        `thaw`."""
        self.send(signal.SIGSTOP)
        self.frozen_at = time.monotonic()
        with connection.cursor() as cursor:
            cursor.execute(CLOSE_CONNECTIONS, [connection.settings_dict["NAME"], NAME])

    def thaw(self) -> None:
        """Let the processes continue, once their caches have expired."""
        time.sleep(max(self.frozen_at + REMEMBERED - time.monotonic(), 0))
        self.send(signal.SIGCONT)

    def send(self, what: signal.Signals) -> None:
        for process in self.running.values():
            os.killpg(process.pid, what)

    def stop(self) -> None:
        self.send(signal.SIGCONT)
        for process in self.running.values():
            process.terminate()
        for name in list(self.running):
            try:
                self.running[name].wait(timeout=10)
            except subprocess.TimeoutExpired:
                self.kill(name)

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(errors="replace")

    def await_answers(self, *, seconds: float = 30) -> None:
        """Wait until every running server answers."""
        give_up = time.monotonic() + seconds
        for name in self.running.keys() & {"door", "web", "live"}:
            while not self.is_answering(getattr(self.ports, name)):
                assert time.monotonic() < give_up, f"{name} doesn't answer:\n{self.log(name)}"
                time.sleep(0.1)

    def is_answering(self, port: int) -> bool:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5).close()
        except (urllib.error.URLError, OSError):
            return False
        return True


@contextmanager
def run_platform(database: str, *, leave_out: tuple[str, ...] = ("chatbot",)) -> Iterator[Platform]:
    """Run all processes but those left out, on this database of the session's PostgreSQL."""
    ports = processes.choose_ports(processes.find_free_port())
    with tempfile.TemporaryDirectory(prefix="releve-platform-") as folder:
        logs = Path(folder)
        environment = {**os.environ, **make_environment(database, port=ports.door)}
        prepare(logs, environment)
        known = {each.name: each for each in processes.list_platform(ports, {})}
        platform = Platform(f"http://localhost:{ports.door}", logs, environment, known, ports)
        try:
            platform.start(*(name for name in known if name not in leave_out))
            platform.await_answers()
            yield platform
        finally:
            platform.stop()


def make_environment(database: str, *, port: int, server: str = "") -> dict[str, str]:
    """`server`: the PostgreSQL, unless it is the session's."""
    return {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DATABASE_URL": make_conninfo(server or os.environ["DATABASE_URL"], dbname=database),
        "PGAPPNAME": NAME,
        "PORT": str(port),
        "SECRET_KEY": SECRET,
        "WEBHOOK_ALLOW_PRIVATE": "1",
        "PYTHONUNBUFFERED": "1",
    }


def prepare(logs: Path, environment: dict[str, str]) -> None:
    """Prepare what pages need: static files and translations."""
    compile_catalogs()
    Preparation(logs, environment).collect_static_files()
