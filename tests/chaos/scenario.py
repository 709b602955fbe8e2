"""A scenario: a load starts, a fault is injected, the load ends, and the rows are checked."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import psycopg

from config import embedded
from dispatch.loadtest import history
from tests.chaos import checker, records
from tests.chaos.checker import Finding
from tests.chaos.invariant_monitor import InvariantMonitor
from tests.chaos.platform import ChaosPlatform
from tests.chaos.probe import Probe

#: Seconds for present customers to finish, and for the work left after that.
DRAIN, SETTLE = 20, 90
#: Seconds of load before the fault, and after offers come as usual again.
BEFORE, AFTER = 6.0, 3.0


class Size(NamedTuple):
    """The size of the load: agents, and customers a minute."""

    agents: int
    rate: float


class Fault(NamedTuple):
    """A fault. `inject` causes it and returns when it is over.

    `bound`: seconds within which offers come as usual again after the last fault. `outage`: seconds
    that an offer may take while it lasts.
    """

    code: str
    title: str
    inject: Callable[["Scenario"], None]
    bound: float | None = None
    outage: float | None = None
    #: Races bring their own actors.
    crowd: bool = True
    duplicates: int = 0


@dataclass
class Outcome:
    """The outcome of a fault. `measured`: further figures for the report."""

    code: str
    title: str
    recovered_s: float | None = None
    bound_s: float | None = None
    longest_wait_s: float = 0.0
    outage_s: float | None = None
    findings: list[Finding] = field(default_factory=list)
    broken: list[tuple[str, str]] = field(default_factory=list)
    ticks: int = 0
    measured: dict[str, object] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    took_s: float = 0.0

    def count(self, kind: str) -> int:
        return sum(finding.kind == kind for finding in self.findings)

    @property
    def in_time(self) -> bool:
        wait = self.outage_s is None or self.longest_wait_s <= self.outage_s
        return wait and (self.bound_s is None or (self.recovered_s or 0) <= self.bound_s)

    @property
    def is_good(self) -> bool:
        return self.in_time and not self.findings and not self.broken


@dataclass
class Scenario:
    """The platform, the probe and the findings that a fault works with."""

    platform: ChaosPlatform
    probe: Probe
    monitor: InvariantMonitor
    folder: Path
    client: str
    size: Size
    seed: int
    long: bool = False
    measured: dict[str, object] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    began: float = 0.0
    #: The time of the last fault.
    fault_at: float = 0.0

    def mark_fault(self) -> None:
        """Record that the fault begins now; with several, recovery is counted from the last."""
        self.fault_at = time.time()

    def expect(self, holds: bool, otherwise: str) -> None:
        """Record a finding unless it holds."""
        if not holds:
            self.findings.append(Finding("wrong", otherwise))

    def read_lines(self) -> list[records.Line]:
        """Return the lines that the actors have recorded so far."""
        return history.read(self.folder)

    def read_since(self, act: str, how: str, moment: float) -> list[records.Line]:
        return [one for one in checker.select(self.read_lines(), act, how) if one["at"] >= moment]


def run_fault(fault: Fault, scenario: Scenario) -> Outcome:
    """Run the fault from the first customer to the last check."""
    checks = RunChecks(scenario)
    if fault.crowd:
        with run_load(scenario, duplicates=fault.duplicates) as load:
            time.sleep(BEFORE)
            outcome = measure_fault(fault, scenario)
            time.sleep(AFTER)
            load.send_signal(signal.SIGINT)
            settle(scenario)
    else:
        outcome = measure_fault(fault, scenario)
        settle(scenario)
    return checks.complete(outcome)


def run_faults(faults: Iterable[Fault], scenario: Scenario) -> Iterator[Outcome]:
    """Run the faults under one load. The last outcome compares everything acknowledged."""
    checks = RunChecks(scenario)
    with run_load(scenario, duplicates=0) as load:
        time.sleep(BEFORE)
        for fault in faults:
            yield measure_fault(fault, scenario)
        time.sleep(AFTER)
        load.send_signal(signal.SIGINT)
        settle(scenario)
    yield checks.complete(Outcome("all", "everything acknowledged, compared with the rows"))


def measure_fault(fault: Fault, scenario: Scenario) -> Outcome:
    """Inject the fault and measure the offers as the probe sees them."""
    scenario.findings, scenario.measured = [], {}
    await_usual(scenario.probe, seconds=30)
    began = time.time()
    scenario.mark_fault()
    fault.inject(scenario)
    if fault.crowd:
        await_usual(scenario.probe, seconds=(fault.bound or 20) + 15)
    return Outcome(
        fault.code,
        fault.title,
        scenario.probe.measure_recovery(scenario.fault_at) if fault.bound else None,
        fault.bound,
        scenario.probe.measure_longest_wait(began - 1),
        fault.outage,
        scenario.findings,
        measured=scenario.measured,
        took_s=round(time.time() - began, 1),
    )


class RunChecks:
    """The checks of a scenario, from its start until everything has settled."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario, self.ticks = scenario, scenario.monitor.ticks
        self.opened = scenario.began = time.time()

    def complete(self, outcome: Outcome) -> Outcome:
        """Add the results of all checks to the outcome."""
        scenario = self.scenario
        lines, rows = scenario.read_lines(), records.read(scenario.platform, scenario.client)
        outcome.findings += checker.check(lines, rows)
        outcome.broken = scenario.monitor.list_broken(self.opened)
        outcome.ticks = scenario.monitor.ticks - self.ticks
        outcome.counts = count_acts(lines, rows)
        outcome.took_s = round(time.time() - self.opened, 1)
        return outcome


@contextmanager
def run_load(scenario: Scenario, *, duplicates: int) -> Iterator[subprocess.Popen]:
    """Run the load test in its own process, which listens to the end."""
    command = [
        *(sys.executable, "manage.py", "simulate_load", "--pace", "brisk"),
        *("--agents", str(scenario.size.agents), "--rate", str(scenario.size.rate)),
        *(
            "--seed",
            str(scenario.seed),
            "--url",
            scenario.platform.url,
            "--client",
            scenario.client,
        ),
        *("--languages", "en,fr", "--log", str(scenario.folder), "--drain", str(DRAIN)),
        *("--listen", "600", "--duplicates", str(duplicates)),
    ]
    hidden = ("PYTHONPATH", "CHAOS_POINTS", "CHAOS_BUG")
    environment = {k: v for k, v in scenario.platform.environment.items() if k not in hidden}
    with (scenario.platform.folder / f"load-{scenario.client}.log").open("ab") as log:
        load = subprocess.Popen(
            command,
            cwd=embedded.BASE_DIR,
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=embedded.die_with_parent(signal.SIGKILL),
        )
    try:
        await_agents(scenario, load)
        yield load
        load.terminate()
        load.wait(30)
    finally:
        if load.poll() is None:
            os.killpg(load.pid, signal.SIGKILL)
        load.wait()
    if load.returncode:
        raise RuntimeError(f"the load died: {Path(log.name).read_text()[-2000:]}")


def await_agents(scenario: Scenario, load: subprocess.Popen) -> None:
    """Wait until most agents are on line."""
    give_up = time.monotonic() + 60
    while time.monotonic() < give_up and load.poll() is None:
        if (
            len(checker.select(scenario.read_lines(), "presence", "acked"))
            >= scenario.size.agents * 0.8
        ):
            return
        time.sleep(0.5)


def await_usual(probe: Probe, *, seconds: float, for_s: float = 5.0) -> None:
    """Wait until offers come as usual, or for `seconds`; the checks then report what was late."""
    give_up = time.monotonic() + seconds
    while not probe.is_usual(for_s=for_s) and time.monotonic() < give_up:
        time.sleep(0.2)


def settle(scenario: Scenario) -> None:
    """Wait until all actors have left and their work is settled, or for SETTLE seconds."""
    give_up = time.monotonic() + SETTLE
    while time.monotonic() < give_up:
        with suppress(psycopg.Error):
            if not records.count_unsettled(scenario.platform, scenario.client) and have_all_left(
                scenario
            ):
                return
        time.sleep(0.5)


def have_all_left(scenario: Scenario) -> bool:
    """Whether every agent has gone offline."""
    moves = checker.select(scenario.read_lines(), "presence", "acked")
    where = {line["actor"]: line["status"] for line in moves}
    return all(status == "offline" for status in where.values())


def count_acts(lines: list[records.Line], rows: records.Rows) -> dict[str, int]:
    """Count the acts that were checked."""
    return {
        "escalations": len(checker.select(lines, "escalation", "acked")),
        "messages": len(checker.select(lines, "message", "acked")),
        "payments": len(rows.earnings),
        "webhooks": len({line["id"] for line in checker.select(lines, "webhook", "seen")}),
        "in_doubt": sum(line["how"] == "doubted" for line in lines),
        "unclear": sum(line["how"] == "unclear" for line in lines),
    }
