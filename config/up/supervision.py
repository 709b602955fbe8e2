"""The supervisor: supervisord as a child process, controlled over its socket."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xmlrpc.client import Fault, ServerProxy

from supervisor.states import ProcessStates
from supervisor.xmlrpc import SupervisorTransport

from config import embedded
from config.embedded import Trouble
from config.up import leftovers
from config.up.processes import Process, section

RUNNING: int = ProcessStates.RUNNING
FATAL: int = ProcessStates.FATAL
ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True)
class State:
    """The state of a process in supervisord."""

    name: str
    code: int
    pid: int
    said: str

    @property
    def is_running(self) -> bool:
        return self.code == RUNNING

    @property
    def has_given_up(self) -> bool:
        return self.code == FATAL


@dataclass
class Supervisor:
    folder: Path
    socket: Path
    processes: list[Process] = field(default_factory=list)
    child: subprocess.Popen[bytes] | None = None

    @property
    def logs(self) -> Path:
        return self.folder / "log"

    def ask(self, method: str, *arguments: Any) -> Any:
        """Call a method of supervisord over its socket."""
        transport = SupervisorTransport(serverurl=f"unix://{self.socket}")
        with ServerProxy("http://supervisor", transport=transport) as server:
            return getattr(server.supervisor, method)(*arguments)

    def log(self, name: str) -> Path:
        return self.logs / f"{name}.log"

    def start(self, environment: dict[str, str]) -> None:
        self.logs.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.configure()
        with self.log("supervisord").open("ab") as output:
            self.child = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "supervisor.supervisord",
                    "-n",
                    "-c",
                    str(self.configuration),
                ],
                cwd=embedded.BASE_DIR,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=embedded.die_with_parent(signal.SIGTERM),
            )
        leftovers.record_pids({"supervisord": self.child.pid})
        embedded.retry(self.check_answer, OSError, seconds=20)

    def check_answer(self) -> None:
        """Check that supervisord answers. Raises OSError while it starts."""
        self.ask("getState")

    @property
    def configuration(self) -> Path:
        return self.folder / "supervisord.conf"

    def configure(self) -> None:
        """Write the configuration. The file holds the chatbot's key."""
        log = {"logfile": "/dev/null", "logfile_maxbytes": "0", "nodaemon": "true"}
        pidfile = {"pidfile": str(self.folder / "supervisord.pid")}
        factory = "supervisor.rpcinterface:make_main_rpcinterface"
        parts = [
            section("supervisord", log | pidfile),
            section("unix_http_server", {"file": str(self.socket), "chmod": "0700"}),
            section("rpcinterface:supervisor", {"supervisor.rpcinterface_factory": factory}),
            *(process.section(self.logs) for process in self.processes),
        ]
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        with os.fdopen(os.open(self.configuration, flags, 0o600), "w") as file:
            file.write("\n".join(parts))

    def add(self, processes: list[Process]) -> None:
        """Start these processes in addition to the running ones."""
        self.processes += processes
        self.configure()
        self.ask("reloadConfig")
        for process in processes:
            self.ask("addProcessGroup", process.name)

    def read_states(self) -> list[State]:
        """The states of all processes. Their ids are recorded, for a start after a kill."""
        found = [
            State(each["name"], each["state"], each["pid"], each["spawnerr"] or each["description"])
            for each in self.ask("getAllProcessInfo")
        ]
        alive = {state.name: state.pid for state in found if state.pid}
        if self.child:
            leftovers.record_pids({"supervisord": self.child.pid} | alive)
        return found

    def retry(self, name: str) -> None:
        """Start a process that supervisord gave up on."""
        try:
            self.ask("startProcess", name, False)
        except Fault as refusal:
            # It may have started by itself meanwhile.
            if "ALREADY_STARTED" not in refusal.faultString:
                raise

    def has_died(self) -> bool:
        return self.child is not None and self.child.poll() is not None

    def stop(self) -> None:
        """Stop the platform's processes together, then the servers they use, then supervisord."""
        if not self.child:
            return
        try:
            for state in self.read_states():
                if state.name not in {"postgres", "valkey"}:
                    self.stop_one(state.name)
            self.ask("shutdown")
            self.child.wait(timeout=60)
        except (OSError, Fault, subprocess.TimeoutExpired):
            leftovers.stop_leftovers()
        leftovers.forget_pids()

    def stop_one(self, name: str) -> None:
        try:
            self.ask("stopProcess", name, False)
        except Fault as refusal:
            if "NOT_RUNNING" not in refusal.faultString:
                raise


def ignore_signals() -> None:
    """Ignore signals from here on, because the stop must complete."""
    for ending in ENDINGS:
        signal.signal(ending, signal.SIG_IGN)


@contextmanager
def run_supervisor(place: embedded.Place, environment: dict[str, str]) -> Iterator[Supervisor]:
    """Run a supervisor; at the end of the block everything it started has stopped."""
    near = place.folder if place.sockets.parent == place.folder else place.sockets
    near.mkdir(parents=True, exist_ok=True, mode=0o700)
    supervisor = Supervisor(embedded.data_dir(), near / "control")
    try:
        supervisor.start(environment)
        yield supervisor
    except ConnectionError as trouble:
        log = supervisor.log("supervisord")
        raise Trouble(f"The supervisor died ({trouble}): its log is {log}.") from None
    finally:
        ignore_signals()
        supervisor.stop()


def await_running(supervisor: Supervisor, names: list[str], *, seconds: float) -> None:
    """Wait until all of these run. Raises Trouble that names a process which does not start."""
    deadline = time.monotonic() + seconds
    while True:
        waiting = [
            each for each in supervisor.read_states() if each.name in names and not each.is_running
        ]
        if not waiting:
            return
        lost = next((state for state in waiting if state.has_given_up), None)
        if lost or time.monotonic() > deadline:
            name = (lost or waiting[0]).name
            raise Trouble(f"{name} does not start: {read_last_output(supervisor.log(name))}")
        time.sleep(0.1)


def await_answer(
    supervisor: Supervisor, name: str, ask: Callable[[], None], troubles: type[Exception]
) -> None:
    """Repeat the call until it succeeds. Raises Trouble if supervisord gave up on the process, or
    after a minute."""
    deadline = time.monotonic() + 60
    while True:
        try:
            return ask()
        except troubles:
            lost = any(each.has_given_up for each in supervisor.read_states() if each.name == name)
            if lost or time.monotonic() > deadline:
                words = read_last_output(supervisor.log(name))
                raise Trouble(f"{name} does not start: {words}") from None
            time.sleep(0.1)


def read_last_output(log: Path) -> str:
    """The end of a log as half a sentence, with the path of the log."""
    try:
        lines = log.read_text(errors="replace").strip().splitlines()
    except OSError:
        lines = []
    said = f'"{lines[-1].strip()[:200]}"' if lines else "it said nothing"
    return f"{said} (its log is {log})."
