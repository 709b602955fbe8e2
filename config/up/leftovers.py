"""Finds and stops processes of a killed start, by recorded process ids and never by name."""

import json
import os
import signal
from contextlib import suppress
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from config import embedded

PATIENCE = 40


def record_pids(pids: dict[str, int]) -> None:
    """Record the process ids with their start times, because the system may reuse an id later."""
    births = {name: [pid, birth] for name, pid in pids.items() if (birth := read_start_time(pid))}
    path = pid_file()
    if births != read_pids():
        path.with_suffix(".new").write_text(json.dumps(births))
        path.with_suffix(".new").replace(path)


def pid_file() -> Path:
    return embedded.data_dir() / "processes.json"


def read_pids() -> dict[str, list[float]]:
    try:
        found: dict[str, list[float]] = json.loads(pid_file().read_text())
    except (OSError, ValueError):
        return {}
    return found


def forget_pids() -> None:
    pid_file().unlink(missing_ok=True)


def read_start_time(pid: int) -> float | None:
    """The start time of a process, which tells it from a later process with the same id."""
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return float(process.create_time())
    except psutil.NoSuchProcess:
        return None


def find_leftovers() -> dict[str, psutil.Process]:
    """The processes that still run, by name."""
    found = {}
    for name, (pid, birth) in read_pids().items():
        with suppress(psutil.NoSuchProcess):
            if read_start_time(int(pid)) == birth:
                found[name] = psutil.Process(int(pid))
    return found | find_servers(embedded.find_place())


def find_servers(place: embedded.Place) -> dict[str, psutil.Process]:
    """The two servers, which write pid files and work in their own folders."""
    homes = {place.database / "postmaster.pid": "postgres", place.sockets / "valkey.pid": "valkey"}
    found = {}
    for pidfile, name in homes.items():
        # If this user may not read the folder, PostgreSQL reports the error itself.
        with suppress(FileNotFoundError, psutil.AccessDenied):
            if process := find_owner(pidfile):
                found[name] = process
            else:
                pidfile.unlink()
    return found


def find_owner(pidfile: Path) -> psutil.Process | None:
    """The live process of a pid file, if it works in that file's folder."""
    try:
        process = psutil.Process(int(pidfile.read_text().split()[0]))
        at_home = Path(process.cwd()) == pidfile.parent.resolve()
    except (ValueError, IndexError, psutil.NoSuchProcess):
        return None
    return process if at_home and read_start_time(process.pid) else None


def stop_leftovers() -> list[str]:
    """Stop the running processes, supervisord first so that it restarts nothing. Returns their
    names."""
    found = find_leftovers()
    names = sorted(found)
    for name in ["supervisord", *(name for name in names if name not in {"postgres", "valkey"})]:
        end_process(found.pop(name, None), signal.SIGTERM)
    end_process(found.pop("valkey", None), signal.SIGTERM)
    end_process(found.pop("postgres", None), signal.SIGINT)
    forget_pids()
    return names


def end_process(process: psutil.Process | None, farewell: signal.Signals) -> None:
    """Signal the process, wait, then kill the rest of its group."""
    if process is None or not read_start_time(process.pid):
        return
    with suppress(psutil.Error):
        process.send_signal(farewell)
        await_end(process)
    end_group(process.pid)


def await_end(process: psutil.Process) -> None:
    """Wait until the process has ended, with a limit. A zombie counts as ended."""
    with suppress(StillRunning):
        embedded.retry(lambda: check_ended(process), StillRunning, seconds=PATIENCE)


class StillRunning(Exception):
    """The process has not ended yet."""


def check_ended(process: psutil.Process) -> None:
    if read_start_time(process.pid) == process.create_time():
        raise StillRunning


def end_group(leader: int) -> None:
    """Kill the group of a child of supervisord; children without their leader are useless."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)
