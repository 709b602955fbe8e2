"""`python -m config.up`: start everything, say so, watch it until Ctrl-C, stop everything.

`--load` has people and bots that do not exist come and go meanwhile, to be watched. `--forget`
stops what runs from this checkout and removes what it kept elsewhere.
"""

import errno
import os
import signal
import sys
from contextlib import suppress
from types import FrameType
from typing import NoReturn

from config import embedded
from config.embedded import Trouble
from config.up import checks, platform
from config.up.supervision import ENDINGS, ignore_endings


class Stop(BaseException):
    """A request to stop: Ctrl-C, a closed terminal, kill."""


def main() -> int:
    listen()
    try:
        if "--forget" in sys.argv:
            platform.forget()
        else:
            platform.run(load="--load" in sys.argv)
    except Stop:
        say("stopped")
    except (Trouble, OSError) as trouble:
        return fail(explain(trouble))
    return 0


def listen() -> None:
    for ending in ENDINGS:
        # A hang-up that nohup ignores stays ignored.
        if ending != signal.SIGHUP or signal.getsignal(ending) != signal.SIG_IGN:
            signal.signal(ending, ask_to_stop)


def ask_to_stop(number: int, frame: FrameType | None) -> NoReturn:
    """Once; while things are being stopped, a second Ctrl-C changes nothing."""
    ignore_endings()
    say("\nstopping")
    raise Stop


def say(line: str) -> None:
    """Unbuffered, since it may interrupt a print; the terminal may be gone."""
    with suppress(OSError):
        os.write(1, f"{line}\n".encode())


def fail(sentence: str) -> int:
    with suppress(OSError):
        os.write(2, f"{sentence}\n".encode())
    return 1


def explain(trouble: Trouble | OSError) -> str:
    """One sentence; a full disk has many faces, so it is looked for behind each."""
    folder = embedded.data_dir()
    if os.strerror(errno.ENOSPC) in str(trouble) or checks.full(folder):
        return f"The disk is full: make room in {folder} and run this again."
    if isinstance(trouble, Trouble):
        return str(trouble)
    return f"{trouble.filename or folder}: {trouble.strerror or trouble}."


if __name__ == "__main__":
    sys.exit(main())
