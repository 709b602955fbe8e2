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
#: A second agent gets an offer this soon, in seconds, so that there are more races.
ASKED_ALONE = 5


def run_all(platform: ChaosPlatform, options: argparse.Namespace) -> int:
    logging.getLogger("httpx").setLevel(logging.WARNING)
    publish_policy()
    known = {fault.code: fault for fault in (*FAULTS, *RACES)}
    chosen = [known[code] for code in CODES if not options.only or code in options.only]
    outcomes: list[Outcome] = []
    try:
        with InvariantMonitor() as monitor, Probe(platform, create_probe()) as probe:
            scenario = partial(make_scenario, platform, probe, monitor, options)
            for outcome in run_chosen(chosen, scenario, together=options.short):
                outcomes.append(outcome)
                print_outcome(outcome)
                report.write(outcomes, page=options.page, figures=options.figures)
    finally:
        if options.keep:
            shutil.copytree(platform.folder, options.keep, dirs_exist_ok=True, ignore=hide_servers)
    return 0 if all(one.is_good for one in outcomes) else 1


def run_chosen(
    faults: list[Fault], scenario: Callable[[str], Scenario], *, together: bool
) -> Iterator[Outcome]:
    if together:
        yield from run_faults(faults, scenario("short"))
    else:
        yield from (run_fault(fault, scenario(fault.code.lower())) for fault in faults)


def make_scenario(
    platform: ChaosPlatform,
    probe: Probe,
    monitor: InvariantMonitor,
    options: argparse.Namespace,
    client: str,
) -> Scenario:
    folder = platform.folder / "books" / client
    return Scenario(platform, probe, monitor, folder, client, SIZE, options.seed, long=options.long)


def print_outcome(outcome: Outcome) -> None:
    print(report.format_line(outcome), flush=True)
    for complaint in report.list_complaints(outcome)[:20]:
        print(f"       {complaint}", flush=True)


def hide_servers(_folder: str, names: list[str]) -> set[str]:
    return {"servers", "proxy.sock"} & {*names}


def publish_policy() -> None:
    """Publish a policy under which a second agent gets an offer sooner than people would like."""
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
