"""CPU time of processes so far."""

from pathlib import Path

import psutil


def cpu_seconds(roots: list[int]) -> float:
    """The CPU time of these processes and their children so far, ended ones included."""
    total = 0.0
    for root in roots:
        process = psutil.Process(root)
        for one in [process, *process.children(recursive=True)]:
            try:
                times = one.cpu_times()
            except psutil.NoSuchProcess:
                continue
            total += times.user + times.system
            total += times.children_user + times.children_system
    return total


def find_servers() -> list[int]:
    """The process ids of PostgreSQL and Valkey, which this process started."""
    return [
        child.pid
        for child in psutil.Process().children()
        if Path(child.exe()).name.startswith(("postgres", "valkey"))
    ]
