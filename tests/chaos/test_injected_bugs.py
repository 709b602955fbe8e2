"""A chaos run can fail: it reports what is lost to a bug injected into the code that really runs.

Each bug meets the scenario that it cannot pass: a race for a ticket, a server that dies while words
are written, everything done in two tabs at once. In the code as it is they find nothing.
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
    "acknowledged-before-commit": ("F4W", "lost", "of customer: not kept"),
    "paid-without-its-key": ("F22", "doubled", "payment of"),
}


@contextmanager
def alone() -> Iterator[None]:
    """Two platforms under load at once would measure each other."""
    path = embedded.data_dir() / "chaos.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def played(folder: Path, *arguments: str) -> tuple[int, list[dict[str, Any]]]:
    """Whether all was well, and what came of each fault."""
    figures = folder / "chaos.json"
    with alone():
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
def test_a_bug_that_loses_or_doubles_is_reported(bug: str, tmp_path: Path) -> None:
    code, kind, of = MEETS[bug]

    exit_code, (outcome,) = played(tmp_path, "--only", code, "--bug", bug)

    assert exit_code == 1
    assert [what for one, what in outcome["findings"] if one == kind and of in what]


def test_in_the_code_as_it_is_the_same_scenes_find_nothing(tmp_path: Path) -> None:
    codes = [code for code, _kind, _of in MEETS.values()]

    exit_code, outcomes = played(tmp_path, "--only", ",".join(codes))

    assert {one["code"]: (one["findings"], one["broken"]) for one in outcomes} == {
        code: ([], []) for code in codes
    }
    assert exit_code == 0


def test_a_fault_there_is_not_is_refused_with_those_there_are() -> None:
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


def test_each_fault_can_be_asked_for_by_its_code() -> None:
    assert {*CODES} == {fault.code for fault in (*FAULTS, *RACES)}
    assert {*SHORT} <= {*CODES}
