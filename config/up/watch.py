"""Watches the processes after the start: reports deaths, and retries those that supervisord gave up
on."""

import os
import time
from dataclasses import dataclass, field

from config.embedded import Trouble
from config.up import leftovers
from config.up.supervision import State, Supervisor, read_last_output

RETRY_AFTER_SECONDS = 10


@dataclass
class Watch:
    supervisor: Supervisor
    pids: dict[str, int] = field(default_factory=dict)
    retried_at: dict[str, float] = field(default_factory=dict)

    def stay(self) -> None:
        """Check every second until a signal or the death of the parent process ends it."""
        parent = os.getppid()
        while os.getppid() == parent:
            if self.supervisor.has_died():
                log = self.supervisor.log("supervisord")
                raise Trouble(f"The supervisor died: {read_last_output(log)}")
            for state in self.supervisor.read_states():
                self.check(state)
            time.sleep(1)

    def check(self, state: State) -> None:
        before = self.pids.get(state.name)
        if before and before != state.pid:
            leftovers.end_group(before)
        if state.is_running:
            self.report_restart(state, before)
        elif state.has_given_up:
            self.retry(state)

    def report_restart(self, state: State, before: int | None) -> None:
        self.pids[state.name] = state.pid
        if before and before != state.pid:
            print(
                f"{state.name} died and was started again; {self.describe_log(state)}", flush=True
            )

    def retry(self, state: State) -> None:
        now = time.monotonic()
        if now - self.retried_at.get(state.name, -RETRY_AFTER_SECONDS) < RETRY_AFTER_SECONDS:
            return
        self.retried_at[state.name] = now
        again = f"trying again every {RETRY_AFTER_SECONDS} s"
        print(f"{state.name} does not stay up, {again}; {self.describe_log(state)}", flush=True)
        self.supervisor.retry(state.name)

    def describe_log(self, state: State) -> str:
        return f"its log is {self.supervisor.log(state.name)}"
