"""A run: the ground is laid, fault follows fault, and what came of them is told."""

import argparse
import logging
import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial

from agents import roster
from agents.models import Agent
from dispatch.loadtest import fixtures
from dispatch.loadtest.fixtures import Fixtures
from dispatch.models import PolicyVersion
from tests.chaos import report
from tests.chaos.__main__ import CODES
from tests.chaos.faults import FAULTS
from tests.chaos.probe import LANGUAGE, Probe
from tests.chaos.races import RACES
from tests.chaos.scene import Fault, Outcome, Scene, Size, play, play_together
from tests.chaos.stage import Stage
from tests.chaos.watch import Watch
from tickets import clock

SIZE = Size(agents=16, rate=45)
PROBES, PLACES = 5, 3
#: A second agent is asked so soon, that there is more to be raced for.
ASKED_ALONE = 5


def all_of(stage: Stage, asked: argparse.Namespace) -> int:
    logging.getLogger("httpx").setLevel(logging.WARNING)
    lay_policy()
    known = {fault.code: fault for fault in (*FAULTS, *RACES)}
    chosen = [known[code] for code in CODES if not asked.only or code in asked.only]
    outcomes: list[Outcome] = []
    try:
        with Watch() as watch, Probe(stage, lay_probe()) as probe:
            scene = partial(made, stage, probe, watch, asked)
            for outcome in played(chosen, scene, together=asked.short):
                outcomes.append(outcome)
                tell(outcome)
                report.write(outcomes, page=asked.page, figures=asked.figures)
    finally:
        if asked.keep:
            shutil.copytree(stage.folder, asked.keep, dirs_exist_ok=True, ignore=hide_servers)
    return 0 if all(one.good for one in outcomes) else 1


def played(
    faults: list[Fault], scene: Callable[[str], Scene], *, together: bool
) -> Iterator[Outcome]:
    if together:
        yield from play_together(faults, scene("short"))
    else:
        yield from (play(fault, scene(fault.code.lower())) for fault in faults)


def made(stage: Stage, probe: Probe, watch: Watch, asked: argparse.Namespace, client: str) -> Scene:
    folder = stage.folder / "books" / client
    return Scene(stage, probe, watch, folder, client, SIZE, asked.seed, patient=asked.long)


def tell(outcome: Outcome) -> None:
    print(report.line(outcome), flush=True)
    for complaint in report.complaints(outcome)[:20]:
        print(f"       {complaint}", flush=True)


def hide_servers(_folder: str, names: list[str]) -> set[str]:
    return {"servers", "valve.sock"} & {*names}


def lay_policy() -> None:
    """A second agent is asked sooner than people would like."""
    policy = PolicyVersion.objects.latest("version")
    policy.version, policy.note = policy.version + 1, "For a chaos run"
    policy.valid_from = clock.now() - timedelta(seconds=1)
    policy.exclusive_for = ASKED_ALONE
    policy.save(force_insert=True)


def lay_probe() -> Fixtures:
    laid = fixtures.lay(
        "probe",
        agents=PROBES,
        languages=(LANGUAGE,),
        patience=timedelta(minutes=10),
        wrap_up=timedelta(seconds=5),
        at=clock.now(),
    )
    for agent in Agent.objects.filter(user__username__startswith="probe-"):
        roster.set_capacity(agent, capacity=PLACES)
    return laid
