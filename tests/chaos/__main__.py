"""`python -m tests.chaos`: injects one fault after another on a platform of its own.

`--only F1,F4` runs those; `--bug NAME` injects a bug, which the run must then report. Exits 1 if
anything was lost, doubled, wrong, broken or too slow.
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
    # SIGTERM raises SystemExit, so that the platform's processes are stopped too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    options = parse_arguments()
    without = code_changes.WITHOUT.get(options.bug, ())
    with platforms.start(bug=options.bug, without=without) as platform, use_django(platform):
        # Imported here, because models need the settings that `django_on` makes.
        from tests.chaos import run

        return run.run_all(platform, options)


def parse_arguments() -> argparse.Namespace:
    known = argparse.ArgumentParser(prog="chaos", description=__doc__)
    known.add_argument(
        "--only", type=parse_codes, default=(), help="codes of faults, such as F1,F4"
    )
    known.add_argument("--short", action="store_true", help=f"only {', '.join(SHORT)}")
    known.add_argument("--seed", type=int, default=1)
    known.add_argument("--long", action="store_true", help="longer outages")
    known.add_argument("--bug", default="", choices=["", *code_changes.BUGS])
    known.add_argument("--figures", type=Path, default=OUT / "chaos.json")
    known.add_argument("--page", type=Path, help="the table for readers")
    known.add_argument("--keep", type=Path, help="keep logs and histories in this folder")
    options = known.parse_args()
    if options.short:
        options.only = SHORT
    return options


def parse_codes(written: str) -> tuple[str, ...]:
    found = tuple(code.strip().upper() for code in written.split(","))
    if missing := [code for code in found if code not in CODES]:
        known = ", ".join(CODES)
        raise argparse.ArgumentTypeError(f"There is no {missing[0]}: choose from {known}.")
    return found


@contextmanager
def use_django(platform: ChaosPlatform) -> Iterator[None]:
    """Let this process use the platform's database."""
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
