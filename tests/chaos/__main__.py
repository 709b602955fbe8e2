"""`python -m tests.chaos`: the faults one after another, on a platform of their own.

`--only F1,F4` runs those; `--bug NAME` injects a bug, which the run must then report. Exits 1
if anything was lost, doubled, wrong, broken or too slow.
"""

import argparse
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from config import embedded
from tests.chaos import platform as platforms
from tests.chaos.injected import code_changes
from tests.chaos.platform import ChaosPlatform

SHORT = ("F1", "F4", "F5", "F6", "F9")
CODES = (
    *("F1", "F2", "F3", "F4", "F4W", "F5", "F6", "F7", "F8", "F9"),
    *("F18", "F19", "F20", "F21", "F22", "F23", "F24", "F25"),
)
OUT = embedded.BASE_DIR / "benchmarks" / "out"


def main() -> int:
    # However it is ended, what it started ends too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    asked = parsed()
    without = code_changes.WITHOUT.get(asked.bug, ())
    with platforms.start(bug=asked.bug, without=without) as platform, django_on(platform):
        # Its models can only be imported now.
        from tests.chaos import run

        return run.all_of(platform, asked)


def parsed() -> argparse.Namespace:
    known = argparse.ArgumentParser(prog="chaos", description=__doc__)
    known.add_argument("--only", type=codes, default=(), help="codes of faults: F1,F4")
    known.add_argument("--short", action="store_true", help=f"only {', '.join(SHORT)}")
    known.add_argument("--seed", type=int, default=1)
    known.add_argument("--long", action="store_true", help="as long as the matrix has it")
    known.add_argument("--bug", default="", choices=["", *code_changes.BUGS])
    known.add_argument("--figures", type=Path, default=OUT / "chaos.json")
    known.add_argument("--page", type=Path, help="the table for readers")
    known.add_argument("--keep", type=Path, help="keep logs and histories in this folder")
    asked = known.parse_args()
    if asked.short:
        asked.only = SHORT
    return asked


def codes(written: str) -> tuple[str, ...]:
    found = tuple(code.strip().upper() for code in written.split(","))
    if missing := [code for code in found if code not in CODES]:
        known = ", ".join(CODES)
        raise argparse.ArgumentTypeError(f"There is no {missing[0]}: choose from {known}.")
    return found


@contextmanager
def django_on(platform: ChaosPlatform) -> Iterator[None]:
    """This process looks at the platform's database too."""
    os.environ.update(
        DJANGO_SETTINGS_MODULE="config.settings",
        DATABASE_URL=platform.database_url,
        REDIS_URL=platform.place.redis_url,
        SECRET_KEY=platform.environment["SECRET_KEY"],
        PORT=platform.environment["PORT"],
        LOG_LEVEL="ERROR",
    )
    import django

    django.setup()
    yield


if __name__ == "__main__":
    sys.exit(main())
