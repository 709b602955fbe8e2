"""A chaos run reports a bug that is injected into the running code.

Each bug has a scenario that it cannot pass: a race for a ticket, a server that dies during a write,
everything done in two tabs at once. The unchanged code has no findings in them.
"""

import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from config import embedded
from tests.chaos.__main__ import CODES, SHORT
from tests.chaos.faults import FAULTS
from tests.chaos.injected import code_changes
from tests.chaos.races import RACES

pytestmark = pytest.mark.chaos

MEETS = {
    "accepted-without-the-lock": ("F21", "doubled", "held by two at once"),
    "acknowledged-before-commit": ("F4W", "lost", "of customer: not stored"),
    "paid-without-its-key": ("F22", "doubled", "payment of"),
}


@contextmanager
def lock_machine() -> Iterator[None]:
    """Two platforms under load at once would measure each other."""
    path = embedded.data_dir() / "chaos.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def run_chaos(folder: Path, *arguments: str) -> tuple[int, list[dict[str, Any]]]:
    """Return the exit code and the outcome of each fault."""
    figures = folder / "chaos.json"
    with lock_machine():
        done = subprocess.run(
            [sys.executable, "-m", "tests.chaos", "--figures", str(figures), *arguments],
            cwd=embedded.BASE_DIR,
            env={name: text for name, text in os.environ.items() if not name.startswith("PYTEST")},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
    assert figures.exists(), done.stdout + done.stderr
    return done.returncode, json.loads(figures.read_text())


@pytest.mark.parametrize("bug", code_changes.BUGS)
def test_injected_bug_is_reported(bug: str, tmp_path: Path) -> None:
    code, kind, of = MEETS[bug]

    exit_code, (outcome,) = run_chaos(tmp_path, "--only", code, "--bug", bug)

    assert exit_code == 1
    assert [what for one, what in outcome["findings"] if one == kind and of in what]


def test_unchanged_code_has_no_findings_in_the_same_scenarios(tmp_path: Path) -> None:
    codes = [code for code, _kind, _of in MEETS.values()]

    exit_code, outcomes = run_chaos(tmp_path, "--only", ",".join(codes))

    assert {one["code"]: (one["findings"], one["broken"]) for one in outcomes} == {
        code: ([], []) for code in codes
    }
    assert exit_code == 0


def test_unknown_fault_is_refused_with_the_known_ones() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.chaos", "--only", "F99"],
        cwd=embedded.BASE_DIR,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.returncode == 2
    assert "There is no F99: choose from F1, F2" in done.stderr


def test_each_fault_can_be_chosen_by_its_code() -> None:
    assert {*CODES} == {fault.code for fault in (*FAULTS, *RACES)}
    assert {*SHORT} <= {*CODES}
