"""Servers are built so that the collector of cycles never goes through all their code."""

import subprocess
import sys

import pytest

from config import embedded
from config.collector import THRESHOLDS

SAYS = "import gc, {module}; print(gc.get_freeze_count() > 50_000, gc.get_threshold())"


@pytest.mark.parametrize("module", ["config.wsgi", "config.asgi"])
def test_what_a_server_has_loaded_is_not_looked_at_again(module: str) -> None:
    script = [sys.executable, "-c", SAYS.format(module=module)]
    said = subprocess.run(script, cwd=embedded.BASE_DIR, capture_output=True, text=True, check=True)

    assert said.stdout.splitlines()[-1] == f"True {THRESHOLDS}"
