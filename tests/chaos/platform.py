"""A platform for chaos runs, with servers of its own, any part of which may be killed.

What dies is started again after a second, as supervisord would, unless it is to stay down. Every
Python process runs with the injected crash points (and a bug, where a run asks for one).
"""

import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import psutil
import psycopg
import redis
from psycopg.conninfo import make_conninfo

from config import embedded
from config.up import processes
from config.up.processes import Process
from tests import platform as platforms
from tests.chaos.message_proxy import MessageProxy
from tests.platform import Platform

DATABASE = "chaos"
#: Made once with all tables, and copied for each platform.
READY = "chaos_ready"
INJECTED = Path(__file__).parent / "injected"
#: The processes that are the product's own.
OURS = ("web", "live", "matcher", "worker", "scheduler", "door")
#: Seconds between two looks for dead processes, and until one is started again.
LOOK, RESTART = 0.2, 1.0


@dataclass
class ChaosPlatform(Platform):
    place: embedded.Place = field(kw_only=True)
    message_proxy: MessageProxy = field(kw_only=True)
    #: Kept down until they are named again.
    down: set[str] = field(default_factory=set)
    _over: threading.Event = field(default_factory=threading.Event)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def database_url(self) -> str:
        return make_conninfo(self.place.database_url, dbname=DATABASE)

    @property
    def points(self) -> Path:
        """The folder in which a crash point is armed by a file of its name."""
        return self.folder / "points"

    def start_server(self, name: str) -> None:
        commands = {"postgres": postgres_command, "valkey": embedded.valkey_command}
        with (self.folder / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(
                commands[name](self.place),
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=embedded.die_with_parent(signal.SIGKILL),
                **embedded.popen_identity(),
            )

    def keep_up(self, *names: str) -> None:
        """Start these, and keep them up from now on."""
        with self._lock:
            for name in names:
                self.down.discard(name)
                self.start_server(name) if name in ("postgres", "valkey") else self.start(name)

    def kill(self, name: str) -> None:
        """As `kill -9` would, with everything it started: PostgreSQL's own have groups of their
        own."""
        with self._lock:
            _end(self.running.pop(name))

    def keep_down(self, *names: str) -> None:
        with self._lock:
            self.down |= {*names}
            for name in names:
                self.kill(name)

    def freeze(self, name: str) -> None:
        for one in _family(self.running[name].pid):
            _send(one, signal.SIGSTOP)

    def thaw(self, name: str) -> None:
        for one in _family(self.running[name].pid):
            _send(one, signal.SIGCONT)

    def restart_dead(self) -> None:
        """Start again what died, after a second. Runs in a thread until the platform is left."""
        died: dict[str, float] = {}
        while not self._over.wait(LOOK):
            with self._lock:
                self._restart(died)

    def _restart(self, died: dict[str, float]) -> None:
        for name in (*OURS, "postgres", "valkey"):
            process = self.running.get(name)
            if name in self.down or (process and process.poll() is None):
                died.pop(name, None)
            elif time.monotonic() - died.setdefault(name, time.monotonic()) > RESTART:
                if process:
                    self.kill(name)
                self.keep_up(name)
                died.pop(name)

    def arm(self, point: str, process: str) -> None:
        """Whichever process of this name comes to this point next dies there."""
        (self.points / f"{process}-{point}").touch()

    def armed(self) -> list[str]:
        return sorted(path.name for path in self.points.iterdir())

    def disarm(self) -> None:
        for path in self.points.iterdir():
            path.unlink(missing_ok=True)

    def wait_until_points_hit(self, *, seconds: float) -> list[str]:
        """Until no point is armed any more; those that nobody came to, disarmed."""
        give_up = time.monotonic() + seconds
        while self.armed() and time.monotonic() < give_up:
            time.sleep(0.05)
        left = self.armed()
        self.disarm()
        return left

    def await_servers(self) -> None:
        ask = partial(_connect, self.database_url)
        embedded.retry(ask, psycopg.OperationalError, seconds=60)
        ping = partial(embedded.ping, self.place.redis_url)
        embedded.retry(ping, redis.exceptions.RedisError, seconds=60)

    def use_message_proxy(self, on: bool) -> None:
        """Lead connections to Valkey through the proxy or past it, and break the open ones."""
        target = self.message_proxy.address if on else self.place.sockets / "valkey.sock"
        fresh = bus(self.place).with_name("bus.new")
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(target)
        fresh.replace(bus(self.place))
        with redis.Redis.from_url(self.place.redis_url, socket_timeout=5) as server:
            for kind in ("normal", "pubsub"):
                server.client_kill_filter(_type=kind, skipme=True)
        self.message_proxy.break_lines()

    def environment_of(self, name: str) -> dict[str, str]:
        return {"CHAOS_PROCESS": name}

    def leave(self) -> None:
        self._over.set()
        with self._lock:
            for process in self.running.values():
                _end(process)


def postgres_command(place: embedded.Place) -> list[str]:
    """Commits are waited for, the disk is not: processes die here, the machine does not."""
    return [*embedded.postgres_command(place), "--fsync=off", "--full_page_writes=off"]


def bus(place: embedded.Place) -> Path:
    """The socket that the platform takes for Valkey's: a link that can be led elsewhere."""
    return place.sockets / "bus.sock"


@contextmanager
def start(*, bug: str = "", without: tuple[str, ...] = ()) -> Iterator[ChaosPlatform]:
    """Start all processes. `bug`: a key of `code_changes.BUGS`. `without`: constraints that are
    dropped from this platform's database."""
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="releve-chaos-", dir="/tmp"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        folder.chmod(0o711)
        place = embedded.Place(folder / "servers", folder / "servers" / "run")
        embedded.prepare(place)
        message_proxy = stack.enter_context(
            MessageProxy.opened(folder / "proxy.sock", place.sockets / "valkey.sock")
        )
        ports = processes.choose_ports(processes.find_free_port())
        platform = ChaosPlatform(
            f"http://localhost:{ports.door}",
            folder,
            environment(place, folder, port=ports.door, bug=bug),
            {},
            ports,
            place=place,
            message_proxy=message_proxy,
        )
        stack.callback(platform.leave)
        platform.points.mkdir()
        begin(platform, without)
        threading.Thread(target=platform.restart_dead, daemon=True).start()
        platform.await_answers(seconds=60)
        yield platform


def begin(platform: ChaosPlatform, without: tuple[str, ...]) -> None:
    bus(platform.place).symlink_to(platform.place.sockets / "valkey.sock")
    platform.keep_up("postgres", "valkey")
    make = partial(embedded.make_database, platform.database_url)
    embedded.retry(make, psycopg.OperationalError, seconds=30)
    platform.await_servers()
    platforms.prepare(platform.folder, dict(platform.environment))
    platforms.Preparation(platform.folder, dict(platform.environment)).migrate()
    for constraint in without:
        drop(platform.database_url, constraint)
    for each in processes.list_platform(platform.ports, {}):
        platform.known[each.name] = Process(
            each.name, each.command, {**each.environment, **platform.environment_of(each.name)}
        )
    platform.keep_up(*OURS)


def environment(place: embedded.Place, folder: Path, *, port: int, bug: str) -> dict[str, str]:
    given = platforms.make_environment(DATABASE, port=port, server=place.database_url)
    path = os.pathsep.join(filter(None, (str(INJECTED), os.environ.get("PYTHONPATH", ""))))
    return {
        **os.environ,
        **given,
        "REDIS_URL": f"unix://{bus(place)}",
        "PYTHONPATH": path,
        "CHAOS_POINTS": str(folder / "points"),
        "CHAOS_BUG": bug,
    }


def drop(url: str, constraint: str) -> None:
    """Take this constraint, or unique index, from the database."""
    with psycopg.connect(url, autocommit=True) as database:
        row = database.execute(
            "SELECT conrelid::regclass::text FROM pg_constraint WHERE conname = %s", [constraint]
        ).fetchone()
        if row:
            database.execute(f"ALTER TABLE {row[0]} DROP CONSTRAINT {constraint}")
        else:
            database.execute(f"DROP INDEX {constraint}")


def _connect(url: str) -> None:
    psycopg.connect(url, connect_timeout=3).close()


def _end(process: subprocess.Popen) -> None:
    """Its group too: while it is being killed it may still have started somebody."""
    family = _family(process.pid)
    for one in family:
        _send(one, signal.SIGKILL)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    psutil.wait_procs(family, timeout=10)


def _family(pid: int) -> list[psutil.Process]:
    """A process and everything under it, the parent first."""
    try:
        parent = psutil.Process(pid)
        return [parent, *parent.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _send(process: psutil.Process, signal_number: int) -> None:
    with suppress(psutil.NoSuchProcess):
        process.send_signal(signal_number)
