"""What servers load: no more than they need, and the collector of cycles never goes through it."""

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
def test_a_server_loads_no_solver_and_what_it_loads_is_not_looked_at_again(module: str) -> None:
    script = [sys.executable, "-c", SAYS.format(module=module)]
    said = subprocess.run(script, cwd=embedded.BASE_DIR, capture_output=True, text=True, check=True)

    assert said.stdout.splitlines()[-1] == f"True {THRESHOLDS} False"
