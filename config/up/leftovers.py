"""What a killed start left running: known by written-down process ids, never by name."""

import json
import os
import signal
from contextlib import suppress
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from config import embedded

PATIENCE = 40


def record(pids: dict[str, int]) -> None:
    """Write down who runs, each with its birth: tomorrow its id may be somebody else's."""
    births = {name: [pid, birth] for name, pid in pids.items() if (birth := born(pid))}
    path = written()
    if births != recorded():
        path.with_suffix(".new").write_text(json.dumps(births))
        path.with_suffix(".new").replace(path)


def written() -> Path:
    return embedded.data_dir() / "processes.json"


def recorded() -> dict[str, list[float]]:
    try:
        found: dict[str, list[float]] = json.loads(written().read_text())
    except (OSError, ValueError):
        return {}
    return found


def forget() -> None:
    written().unlink(missing_ok=True)


def born(pid: int) -> float | None:
    """When this process started, to tell it from a later one of the same id."""
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return float(process.create_time())
    except psutil.NoSuchProcess:
        return None


def find() -> dict[str, psutil.Process]:
    """What still runs, by name."""
    found = {}
    for name, (pid, birth) in recorded().items():
        with suppress(psutil.NoSuchProcess):
            if born(int(pid)) == birth:
                found[name] = psutil.Process(int(pid))
    return found | servers(embedded.place())


def servers(place: embedded.Place) -> dict[str, psutil.Process]:
    """The two that write down their own ids and work in a folder of their own."""
    homes = {place.database / "postmaster.pid": "postgres", place.sockets / "valkey.pid": "valkey"}
    found = {}
    for pidfile, name in homes.items():
        # Where this user may not look, PostgreSQL itself says what is wrong.
        with suppress(FileNotFoundError, psutil.AccessDenied):
            if process := owner(pidfile):
                found[name] = process
            else:
                pidfile.unlink()
    return found


def owner(pidfile: Path) -> psutil.Process | None:
    """The living process a pid file means, if it still works where that file lies."""
    try:
        process = psutil.Process(int(pidfile.read_text().split()[0]))
        at_home = Path(process.cwd()) == pidfile.parent.resolve()
    except (ValueError, IndexError, psutil.NoSuchProcess):
        return None
    return process if at_home and born(process.pid) else None


def stop() -> list[str]:
    """Stop what still runs, supervisord first so that it restarts nothing. Returns their names."""
    found = find()
    names = sorted(found)
    for name in ["supervisord", *(name for name in names if name not in {"postgres", "valkey"})]:
        end(found.pop(name, None), signal.SIGTERM)
    end(found.pop("valkey", None), signal.SIGTERM)
    end(found.pop("postgres", None), signal.SIGINT)
    forget()
    return names


def end(process: psutil.Process | None, farewell: signal.Signals) -> None:
    """Ask it, wait, then kill whatever of its group is left."""
    if process is None or not born(process.pid):
        return
    with suppress(psutil.Error):
        process.send_signal(farewell)
        wait(process)
    end_group(process.pid)


def wait(process: psutil.Process) -> None:
    """Until it is gone, or for so long; a dead one that nobody collected counts as gone."""
    with suppress(StillThere):
        embedded.patiently(lambda: still(process), StillThere, seconds=PATIENCE)


class StillThere(Exception):
    """The process has not ended yet."""


def still(process: psutil.Process) -> None:
    if born(process.pid) == process.create_time():
        raise StillThere


def end_group(leader: int) -> None:
    """Each of supervisord's children leads a group: what outlives its leader is of no use."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)
