"""`make up`: its refusals, its cleaning up, and its supervisor."""

import errno
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
import pytest
from django.core.management import load_command_class

from config import embedded
from config.embedded import Trouble
from config.up import __main__ as command
from config.up import checks, leftovers, preparing, processes, supervision
from config.up.processes import Process
from config.up.supervision import State
from config.up.watch import Watch


@pytest.fixture
def folder(monkeypatch):
    """A data folder that the servers of root can enter, unlike pytest's own."""
    with TemporaryDirectory(prefix="releve-", dir="/tmp") as made:
        Path(made).chmod(0o711)
        monkeypatch.setenv("DATA_DIR", f"{made}/data")
        Path(made, "data").mkdir()
        yield Path(made, "data")


@pytest.fixture
def sleeper():
    process = subprocess.Popen(["sleep", "60"], start_new_session=True)
    yield process
    process.kill()
    process.wait()


def test_a_port_in_use_is_refused(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        monkeypatch.setenv("PORT", str(port))

        with pytest.raises(Trouble, match=f"^Port {port} is in use: .*PORT=8123 make up"):
            checks.check_port()


@pytest.mark.parametrize("asked", ["web", "0", "-1", "65536", "8000.5"])
def test_an_invalid_port_is_refused(monkeypatch, asked):
    monkeypatch.setenv("PORT", asked)

    with pytest.raises(Trouble, match="give a number from 1 to 65535"):
        checks.check_port()


def test_internal_ports_are_free_and_differ_from_the_public_one():
    ports = processes.choose_ports(8000)

    assert not any(map(processes.is_taken, (ports.web, ports.live, ports.chatbot, ports.metrics)))
    assert ports.door == 8000


def test_a_full_disk_is_refused(monkeypatch, folder):
    monkeypatch.setattr(checks, "LEAST_FREE_BYTES", 10**18)

    with pytest.raises(Trouble, match="The disk is full"):
        checks.check_room(folder)


def test_a_full_disk_is_named_for_every_error(folder):
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "somewhere")

    assert command.explain(full).startswith("The disk is full: make room in")


def test_a_second_start_in_one_checkout_is_refused(folder):
    with (
        checks.hold_lock(folder),
        pytest.raises(Trouble, match=f"already runs from this folder .process {os.getpid()}."),
        checks.hold_lock(folder),
    ):
        pass


def test_a_database_that_does_not_answer_is_refused_without_its_password():
    with pytest.raises(Trouble, match="DATABASE_URL does not answer") as refusal:
        checks.check_database("postgresql://releve:secret@127.0.0.1:1/releve")

    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize("url", ["redis://127.0.0.1:1/0", "nonsense"])
def test_a_broker_that_does_not_answer_is_refused(url):
    with pytest.raises(Trouble, match="REDIS_URL does not answer"):
        checks.check_broker(url)


def test_processes_of_a_killed_start_are_stopped(folder, sleeper):
    leftovers.record_pids({"worker": sleeper.pid})

    stopped = leftovers.stop_leftovers()

    assert stopped == ["worker"]
    assert sleeper.wait(timeout=5) == -signal.SIGTERM
    assert leftovers.read_pids() == {}


def test_a_process_with_a_reused_id_is_left_alone(folder, sleeper):
    leftovers.pid_file().write_text(f'{{"worker": [{sleeper.pid}, 1.0]}}')

    assert leftovers.stop_leftovers() == []
    assert psutil.Process(sleeper.pid).status() != psutil.STATUS_ZOMBIE


def test_a_pid_file_of_an_unrelated_process_is_removed(folder, sleeper):
    pidfile = embedded.find_place().database / "postmaster.pid"
    pidfile.parent.mkdir(parents=True)
    pidfile.write_text(f"{sleeper.pid}\n")

    assert leftovers.stop_leftovers() == []
    assert not pidfile.exists()
    assert sleeper.poll() is None


def test_percent_signs_are_escaped_for_supervisord():
    assert processes.section("program:x", {"command": "a%b"}) == "[program:x]\ncommand = a%%b\n\n"


def test_web_and_scheduler_keep_connections_and_the_others_pool_them():
    found = processes.list_platform(processes.Ports(8000, 1, 2, 3, 4), {})

    pooled = {each.name for each in found if each.environment.get("DATABASE_POOL") == "1"}
    assert pooled == {"live", "worker"}


def test_a_supervised_process_restarts_when_killed_and_ends_with_the_supervisor(
    folder, monkeypatch
):
    monkeypatch.setattr(supervision, "ignore_signals", lambda: None)
    place = embedded.Place(folder / "servers", folder / "servers" / "run")
    sleeper = Process("sleeper", [sys.executable, "-c", "import time; time.sleep(60)"])

    with supervision.run_supervisor(place, dict(os.environ)) as supervisor:
        supervisor.add([sleeper])
        supervision.await_running(supervisor, ["sleeper"], seconds=10)
        first = supervisor.read_states()[0].pid
        os.kill(first, signal.SIGKILL)
        second = await_restart(supervisor, first)

    assert not psutil.pid_exists(second)
    assert leftovers.read_pids() == {}


def await_restart(supervisor, first):
    for _ in range(100):
        (state,) = supervisor.read_states()
        if state.pid not in {0, first}:
            return state.pid
        time.sleep(0.1)
    raise AssertionError("it was not started again")


def test_a_process_that_cannot_start_is_named_with_its_last_output(folder):
    supervisor = GivenUpSupervisor(folder)
    supervisor.logs.mkdir()
    supervisor.log("web").write_text("first\nno such module\n")

    with pytest.raises(
        Trouble, match=r'^web does not start: "no such module" .its log is .*web.log'
    ):
        supervision.await_running(supervisor, ["web"], seconds=1)


class GivenUpSupervisor(supervision.Supervisor):
    """A supervisor of a single process that it has given up on."""

    def __init__(self, folder):
        super().__init__(folder, folder / "control")
        self.retried = []

    def read_states(self):
        return [State("web", supervision.FATAL, 0, "exited too quickly")]

    def retry(self, name):
        self.retried.append(name)


def test_the_watch_reports_a_death_and_retries_a_process_given_up_on(folder, capsys):
    supervisor = GivenUpSupervisor(folder)
    watch = Watch(supervisor, pids={"live": 2**22 + 1})

    watch.check(State("live", supervision.RUNNING, 2**22 + 2, ""))
    watch.check(supervisor.read_states()[0])
    watch.check(supervisor.read_states()[0])

    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("live died and was started again; its log is")
    assert second.startswith("web does not stay up, trying again every 10 s; its log is")
    assert supervisor.retried == ["web"]


def test_static_files_are_collected_again_only_after_a_change(tmp_path):
    style = tmp_path / "desk.css"
    style.write_text("a")
    before = preparing.compute_fingerprint(iter([style]))

    assert preparing.compute_fingerprint(iter([style])) == before
    style.write_text("ab")
    assert preparing.compute_fingerprint(iter([style])) != before


def test_the_demo_load_passes_valid_arguments():
    program, *arguments = processes.make_load().command[1:]

    known = load_command_class("dispatch", arguments[0]).create_parser(program, arguments[0])
    given = known.parse_args(arguments[1:])

    assert (given.agents, given.minutes, given.pace) == (10, None, "gentle")
