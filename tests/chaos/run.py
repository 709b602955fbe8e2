"""A run: creates the fixtures, injects fault after fault, and reports the outcomes."""

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
from tests.chaos.invariant_monitor import InvariantMonitor
from tests.chaos.platform import ChaosPlatform
from tests.chaos.probe import LANGUAGE, Probe
from tests.chaos.races import RACES
from tests.chaos.scenario import Fault, Outcome, Scenario, Size, run_fault, run_faults
from tickets import clock

SIZE = Size(agents=16, rate=45)
PROBES, PLACES = 5, 3
#: A second agent is asked so soon, that there is more to be raced for.
ASKED_ALONE = 5


def all_of(platform: ChaosPlatform, asked: argparse.Namespace) -> int:
    logging.getLogger("httpx").setLevel(logging.WARNING)
    publish_policy()
    known = {fault.code: fault for fault in (*FAULTS, *RACES)}
    chosen = [known[code] for code in CODES if not asked.only or code in asked.only]
    outcomes: list[Outcome] = []
    try:
        with InvariantMonitor() as monitor, Probe(platform, create_probe()) as probe:
            scenario = partial(made, platform, probe, monitor, asked)
            for outcome in played(chosen, scenario, together=asked.short):
                outcomes.append(outcome)
                tell(outcome)
                report.write(outcomes, page=asked.page, figures=asked.figures)
    finally:
        if asked.keep:
            shutil.copytree(platform.folder, asked.keep, dirs_exist_ok=True, ignore=hide_servers)
    return 0 if all(one.good for one in outcomes) else 1


def played(
    faults: list[Fault], scenario: Callable[[str], Scenario], *, together: bool
) -> Iterator[Outcome]:
    if together:
        yield from run_faults(faults, scenario("short"))
    else:
        yield from (run_fault(fault, scenario(fault.code.lower())) for fault in faults)


def made(
    platform: ChaosPlatform,
    probe: Probe,
    monitor: InvariantMonitor,
    asked: argparse.Namespace,
    client: str,
) -> Scenario:
    folder = platform.folder / "books" / client
    return Scenario(platform, probe, monitor, folder, client, SIZE, asked.seed, long=asked.long)


def tell(outcome: Outcome) -> None:
    print(report.line(outcome), flush=True)
    for complaint in report.complaints(outcome)[:20]:
        print(f"       {complaint}", flush=True)


def hide_servers(_folder: str, names: list[str]) -> set[str]:
    return {"servers", "proxy.sock"} & {*names}


def publish_policy() -> None:
    """A second agent is asked sooner than people would like."""
    policy = PolicyVersion.objects.latest("version")
    policy.version, policy.note = policy.version + 1, "For a chaos run"
    policy.valid_from = clock.now() - timedelta(seconds=1)
    policy.exclusive_for = ASKED_ALONE
    policy.save(force_insert=True)


def create_probe() -> Fixtures:
    created = fixtures.create(
        "probe",
        agents=PROBES,
        languages=(LANGUAGE,),
        patience=timedelta(minutes=10),
        wrap_up=timedelta(seconds=5),
        at=clock.now(),
    )
    for agent in Agent.objects.filter(user__username__startswith="probe-"):
        roster.set_capacity(agent, capacity=PLACES)
    return created
