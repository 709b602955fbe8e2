"""Checks all invariants once a second during a run."""

import threading
import time
from dataclasses import dataclass, field

from django.db import DatabaseError, connection

from dispatch.operations import invariants
from dispatch.operations.audit import EVER
from dispatch.operations.invariants import INVARIANTS, Window
from tickets import clock


@dataclass
class InvariantMonitor:
    """`broken`: the time, the invariant and the row of each violation."""

    every: float = 1.0
    ticks: int = 0
    #: Ticks at which the database did not answer.
    blind: int = 0
    broken: list[tuple[float, str, str]] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> "InvariantMonitor":
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_trouble: object) -> None:
        self._over.set()
        self._thread.join(30)

    def list_broken(self, moment: float) -> list[tuple[str, str]]:
        return sorted({(name, what) for at, name, what in self.broken if at >= moment})

    def _run(self) -> None:
        while not self._over.wait(self.every):
            try:
                self._check()
                self.ticks += 1
            except DatabaseError:
                self.blind += 1
                connection.close()
        connection.close()

    def _check(self) -> None:
        window = Window(clock.now(), EVER)
        for name, invariant in INVARIANTS.items():
            for subject in invariants.find_subjects(invariant, window):
                self.broken.append((time.time(), name, subject))
