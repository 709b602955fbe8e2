"""A scene: the load comes, something goes wrong, the load goes, and what is left is checked."""

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
from dispatch.loadtest import history as load_history
from tests.chaos import checker, history
from tests.chaos.checker import Finding
from tests.chaos.probe import Probe
from tests.chaos.stage import Stage
from tests.chaos.watch import Watch

#: Seconds for those who came to finish, and for what comes by itself after that.
DRAIN, SETTLE = 20, 90
#: The load runs so long before anything happens, and after all is as usual again (s).
BEFORE, AFTER = 6.0, 3.0


class Size(NamedTuple):
    """Of the load: agents, and customers a minute."""

    agents: int
    rate: float


class Fault(NamedTuple):
    """`strike` does it, and returns when it is over. `bound`: seconds within which offers come as
    usual again after the last blow; `outage`: seconds that an offer may take while it lasts."""

    code: str
    title: str
    strike: Callable[["Scene"], None]
    bound: float | None = None
    outage: float | None = None
    #: Races bring their own people.
    crowd: bool = True
    echoes: int = 0


@dataclass
class Outcome:
    """What came of a fault. `measured`: what is worth telling besides."""

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
    def good(self) -> bool:
        return self.in_time and not self.findings and not self.broken


@dataclass
class Scene:
    """What a fault may use."""

    stage: Stage
    probe: Probe
    watch: Watch
    folder: Path
    client: str
    size: Size
    seed: int
    patient: bool = False
    measured: dict[str, object] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    began: float = 0.0
    #: The last blow so far.
    struck: float = 0.0

    def blow(self) -> None:
        """Now it begins; where there are several, recovery is counted from the last."""
        self.struck = time.time()

    def expect(self, holds: bool, otherwise: str) -> None:
        """Note what should have been otherwise."""
        if not holds:
            self.findings.append(Finding("wrong", otherwise))

    def lines(self) -> list[history.Line]:
        """What the actors noted so far."""
        return load_history.read(self.folder)

    def since(self, act: str, how: str, moment: float) -> list[history.Line]:
        return [one for one in checker.noted(self.lines(), act, how) if one["at"] >= moment]


def play(fault: Fault, scene: Scene) -> Outcome:
    """From the first customer to the last check."""
    account = Account(scene)
    if fault.crowd:
        with loaded(scene, echoes=fault.echoes) as load:
            time.sleep(BEFORE)
            outcome = struck_by(fault, scene)
            time.sleep(AFTER)
            load.send_signal(signal.SIGINT)
            settle(scene)
    else:
        outcome = struck_by(fault, scene)
        settle(scene)
    return account.closed(outcome)


def play_together(faults: Iterable[Fault], scene: Scene) -> Iterator[Outcome]:
    """One after another under one load; the last outcome is of everything that was told
    meanwhile."""
    account = Account(scene)
    with loaded(scene, echoes=0) as load:
        time.sleep(BEFORE)
        for fault in faults:
            yield struck_by(fault, scene)
        time.sleep(AFTER)
        load.send_signal(signal.SIGINT)
        settle(scene)
    yield account.closed(Outcome("all", "what was told, held against what is kept"))


def struck_by(fault: Fault, scene: Scene) -> Outcome:
    """How it went, as seen from outside while it lasted."""
    scene.findings, scene.measured = [], {}
    await_usual(scene.probe, seconds=30)
    began = time.time()
    scene.blow()
    fault.strike(scene)
    if fault.crowd:
        await_usual(scene.probe, seconds=(fault.bound or 20) + 15)
    return Outcome(
        fault.code,
        fault.title,
        scene.probe.recovered_after(scene.struck) if fault.bound else None,
        fault.bound,
        scene.probe.longest_wait(began - 1),
        fault.outage,
        scene.findings,
        measured=scene.measured,
        took_s=round(time.time() - began, 1),
    )


class Account:
    """Of a scene, from its beginning until everything has come to rest."""

    def __init__(self, scene: Scene) -> None:
        self.scene, self.ticks = scene, scene.watch.ticks
        self.opened = scene.began = time.time()

    def closed(self, outcome: Outcome) -> Outcome:
        """The outcome, with all that the checks say."""
        scene = self.scene
        lines, rows = scene.lines(), history.rows(scene.stage, scene.client)
        outcome.findings += checker.check(lines, rows)
        outcome.broken = scene.watch.found_since(self.opened)
        outcome.ticks = scene.watch.ticks - self.ticks
        outcome.counts = counted(lines, rows)
        outcome.took_s = round(time.time() - self.opened, 1)
        return outcome


@contextmanager
def loaded(scene: Scene, *, echoes: int) -> Iterator[subprocess.Popen]:
    """A load from outside, which listens to the last."""
    command = [
        *(sys.executable, "manage.py", "simulate_load", "--pace", "brisk"),
        *("--agents", str(scene.size.agents), "--rate", str(scene.size.rate)),
        *("--seed", str(scene.seed), "--url", scene.stage.url, "--client", scene.client),
        *("--languages", "en,fr", "--log", str(scene.folder), "--drain", str(DRAIN)),
        *("--news", "600", "--echoes", str(echoes)),
    ]
    hidden = ("PYTHONPATH", "CHAOS_POINTS", "CHAOS_SOWN")
    environment = {k: v for k, v in scene.stage.environment.items() if k not in hidden}
    with (scene.stage.folder / f"load-{scene.client}.log").open("ab") as log:
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
        await_agents(scene, load)
        yield load
        load.terminate()
        load.wait(30)
    finally:
        if load.poll() is None:
            os.killpg(load.pid, signal.SIGKILL)
        load.wait()
    if load.returncode:
        raise RuntimeError(f"the load died: {Path(log.name).read_text()[-2000:]}")


def await_agents(scene: Scene, load: subprocess.Popen) -> None:
    """Until most of them are there."""
    give_up = time.monotonic() + 60
    while time.monotonic() < give_up and load.poll() is None:
        if len(checker.noted(scene.lines(), "presence", "acked")) >= scene.size.agents * 0.8:
            return
        time.sleep(0.5)


def await_usual(probe: Probe, *, seconds: float, for_s: float = 5.0) -> None:
    """Until offers come as usual, or for so long; the checks then say what was not."""
    give_up = time.monotonic() + seconds
    while not probe.usual(for_s=for_s) and time.monotonic() < give_up:
        time.sleep(0.2)


def settle(scene: Scene) -> None:
    """Until everybody has gone and nothing is to come any more of what they did, or for so long."""
    give_up = time.monotonic() + SETTLE
    while time.monotonic() < give_up:
        with suppress(psycopg.Error):
            if not history.unsettled(scene.stage, scene.client) and all_gone(scene):
                return
        time.sleep(0.5)


def all_gone(scene: Scene) -> bool:
    """Whether whoever came to work has left again."""
    moves = checker.noted(scene.lines(), "presence", "acked")
    where = {line["actor"]: line["status"] for line in moves}
    return all(status == "offline" for status in where.values())


def counted(lines: list[history.Line], rows: history.Rows) -> dict[str, int]:
    """How much there was to lose."""
    return {
        "escalations": len(checker.noted(lines, "escalation", "acked")),
        "messages": len(checker.noted(lines, "message", "acked")),
        "payments": len(rows.earnings),
        "webhooks": len({line["id"] for line in checker.noted(lines, "webhook", "seen")}),
        "in_doubt": sum(line["how"] == "doubted" for line in lines),
        "unclear": sum(line["how"] == "unclear" for line in lines),
    }
