"""The processes of the platform: their commands, and their sections in supervisord's
configuration."""

import os
import secrets
import shlex
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from config import embedded

# Ports below the kernel's ephemeral range, because an outgoing connection could take one of those
# during a restart.
INTERNAL_PORTS = range(20_000, 30_000)


@dataclass(frozen=True)
class Process:
    name: str
    command: list[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    user: str = ""
    farewell: str = "TERM"
    patience: int = 10

    def section(self, logs: Path) -> str:
        """The process's section of supervisord's configuration."""
        settings = {
            "command": shlex.join(self.command),
            "directory": "/" if self.user else str(embedded.BASE_DIR),
            "environment": ",".join(
                f'{name}="{value}"' for name, value in self.environment.items()
            ),
            "user": self.user,
            "stopsignal": self.farewell,
            "stopwaitsecs": str(self.patience),
            "autorestart": "true",
            "startretries": "2",
            "killasgroup": "true",
            "redirect_stderr": "true",
            "stdout_logfile": str(logs / f"{self.name}.log"),
            "stdout_logfile_maxbytes": "10MB",
            "stdout_logfile_backups": "1",
        }
        return section(f"program:{self.name}", settings)


@dataclass(frozen=True)
class Ports:
    """The public port and the internal ones."""

    door: int
    web: int
    live: int
    chatbot: int
    metrics: int


def section(name: str, settings: Mapping[str, str]) -> str:
    """A section of an INI file. `%` is doubled because supervisord expands it."""
    given = [f"{key} = {value.replace('%', '%%')}" for key, value in settings.items() if value]
    return "\n".join([f"[{name}]", *given, "", ""])


def choose_ports(door: int) -> Ports:
    """Choose the ports. METRICS_PORT sets the one for Prometheus."""
    web, live, chatbot, metrics = (find_free_port() for _ in range(4))
    return Ports(door, web, live, chatbot, int(os.environ.get("METRICS_PORT") or metrics))


def find_free_port() -> int:
    while True:
        port = secrets.choice(INTERNAL_PORTS)
        if not is_taken(port):
            return port


def is_taken(port: int) -> bool:
    """True if a server uses the port. Raises PermissionError if this user may not use it."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except PermissionError:
            raise
        except OSError:
            return True
    return False


def list_servers(place: embedded.Place, *, postgres: bool, valkey: bool) -> list[Process]:
    """The embedded servers that are needed."""
    user = embedded.find_server_user()
    name = user.pw_name if user else ""
    found = []
    if postgres:
        command = embedded.postgres_command(place)
        found.append(Process("postgres", command, user=name, farewell="INT", patience=30))
    if valkey:
        found.append(Process("valkey", embedded.valkey_command(place), user=name))
    return found


def list_platform(ports: Ports, chatbot: Mapping[str, str]) -> list[Process]:
    """The platform's own processes. The demo provides the chatbot's environment."""
    pooled = {"DATABASE_POOL": "1"}
    # A warning of uvicorn before our logging starts would be the only line in another format.
    quiet = {"PYTHONWARNINGS": "ignore"}
    return [
        Process("web", web_command(ports.web)),
        Process("live", live_command(ports.live), pooled | quiet),
        *(Process(name, matcher_command(name)) for name in list_matchers()),
        Process("worker", worker_command(), pooled),
        Process(
            "scheduler", python("manage.py", "scheduler", "--metrics-port", str(ports.metrics))
        ),
        Process("chatbot", chatbot_command(ports.chatbot), chatbot),
        Process("door", door_command(), door_environment(ports)),
    ]


def make_load() -> Process:
    """A light, endless load that a few agents can serve."""
    crowd = ("--agents", "10", "--rate", "6", "--drain", "0", "--listen", "0")
    return Process("load", python("manage.py", "simulate_load", *crowd))


def python(*arguments: str) -> list[str]:
    return [sys.executable, *arguments]


def web_command(port: int) -> list[str]:
    return python(
        *("-m", "granian", "--interface", "wsgi", "config.wsgi:application", "--no-ws"),
        *("--workers", "1", "--blocking-threads", "4", "--respawn-failed-workers"),
        *("--log-config", str(embedded.BASE_DIR / "config" / "granian-logs.json")),
        # A thread that ends closes its PostgreSQL connection, and the next thread must open a new
        # one.
        *("--blocking-threads-idle-timeout", "600", "--http", "1"),
        *("--host", "127.0.0.1", "--port", str(port)),
    )


def live_command(port: int) -> list[str]:
    return python(
        *("-m", "uvicorn", "config.asgi:application", "--loop", "uvloop", "--http", "httptools"),
        *("--ws", "websockets-sansio", "--ws-per-message-deflate", "false"),
        # Pages send heartbeats every ten seconds; pings only find dead connections.
        *("--ws-ping-interval", "60", "--ws-ping-timeout", "30", "--ws-max-size", "65536"),
        *("--lifespan", "off", "--no-access-log", "--timeout-graceful-shutdown", "3"),
        *("--host", "127.0.0.1", "--port", str(port)),
    )


def worker_command() -> list[str]:
    return python(
        *("-m", "celery", "-q", "-A", "config", "worker", "-P", "threads", "-c", "4"),
        *("--without-gossip", "--without-mingle", "--without-heartbeat"),
    )


def list_matchers() -> list[str]:
    """The names of the matchers, one for each share of the languages (MATCHERS)."""
    count = int(os.environ.get("MATCHERS", "1"))
    return ["matcher", *(f"matcher-{number}" for number in range(2, count + 1))]


def matcher_command(name: str) -> list[str]:
    return python(
        *("-m", "celery", "-q", "-A", "config", "worker", "-P", "solo", "-Q", "matcher"),
        # Loaded at the start, because the first customer would otherwise wait for the import.
        *("--include", "scipy.optimize,scipy.special"),
        *("--without-gossip", "--without-mingle", "--without-heartbeat"),
        *("--hostname", f"{name}@%h"),
    )


def chatbot_command(port: int) -> list[str]:
    return python(
        *("-m", "uvicorn", "app:application", "--app-dir", "examples/chatbot"),
        *("--no-access-log", "--timeout-graceful-shutdown", "3"),
        *("--host", "127.0.0.1", "--port", str(port)),
    )


def door_command() -> list[str]:
    caddy = str(Path(sys.executable).with_name("caddy"))
    configuration = str(embedded.BASE_DIR / "config" / "Caddyfile")
    return [caddy, "run", "--config", configuration, "--adapter", "caddyfile"]


def door_environment(ports: Ports) -> dict[str, str]:
    home = str(embedded.data_dir() / "caddy")
    return {
        "PORT": str(ports.door),
        "WEB_PORT": str(ports.web),
        "LIVE_PORT": str(ports.live),
        "CHATBOT_PORT": str(ports.chatbot),
        "XDG_DATA_HOME": home,
        "XDG_CONFIG_HOME": home,
    }
