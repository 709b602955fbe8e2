"""`python -m config.up`: start everything, report it, watch it until Ctrl-C, stop everything.

`--load` adds simulated agents and customers. `--forget` stops this checkout's processes and removes
the files that it keeps elsewhere.
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
from config.up.supervision import ENDINGS, ignore_signals


class Stop(BaseException):
    """A request to stop: Ctrl-C, a closed terminal, kill."""


def main() -> int:
    install_signals()
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


def install_signals() -> None:
    for ending in ENDINGS:
        # Keep ignoring SIGHUP if nohup ignores it.
        if ending != signal.SIGHUP or signal.getsignal(ending) != signal.SIG_IGN:
            signal.signal(ending, ask_to_stop)


def ask_to_stop(number: int, frame: FrameType | None) -> NoReturn:
    """Raise Stop once; a second Ctrl-C during the stop changes nothing."""
    ignore_signals()
    say("\nstopping")
    raise Stop


def say(line: str) -> None:
    """Print unbuffered, because a signal may interrupt a print. The terminal may be closed."""
    with suppress(OSError):
        os.write(1, f"{line}\n".encode())


def fail(sentence: str) -> int:
    with suppress(OSError):
        os.write(2, f"{sentence}\n".encode())
    return 1


def explain(trouble: Trouble | OSError) -> str:
    """Explain an error in one sentence. Many errors hide a full disk, so that is checked first."""
    folder = embedded.data_dir()
    if os.strerror(errno.ENOSPC) in str(trouble) or checks.is_full(folder):
        return f"The disk is full: make room in {folder} and run this again."
    if isinstance(trouble, Trouble):
        return str(trouble)
    return f"{trouble.filename or folder}: {trouble.strerror or trouble}."


if __name__ == "__main__":
    sys.exit(main())
