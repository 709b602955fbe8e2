"""Loaded modules of servers: no unneeded ones, and garbage collection skips them."""

import subprocess
import sys

import pytest

from config import embedded
from config.garbage_collection import THRESHOLDS

SAYS = """
import gc, sys, {module}
print(gc.get_freeze_count() > 50_000, gc.get_threshold(), "scipy" in sys.modules)
"""


@pytest.mark.parametrize("module", ["config.wsgi", "config.asgi"])
def test_a_server_loads_no_solver_and_freezes_its_heap(module: str) -> None:
    script = [sys.executable, "-c", SAYS.format(module=module)]
    said = subprocess.run(script, cwd=embedded.BASE_DIR, capture_output=True, text=True, check=True)

    assert said.stdout.splitlines()[-1] == f"True {THRESHOLDS} False"
