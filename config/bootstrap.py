"""Creates .venv and installs the packages to run the platform (`run`) or to test it (`test`).

The system's Python runs this before any installation, so it uses the standard library only.
"""

import fcntl
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time

if sys.version_info < (3, 11):  # noqa: UP036
    sys.exit(
        f"Relève needs Python 3.11 or newer and this is {sys.version.split()[0]}:"
        " name a newer one, for example `make up PYTHON=python3.11`."
    )

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "installed.json"
LOCKS = {"run": ROOT / "requirements.txt", "test": ROOT / "requirements-dev.txt"}
NEEDED_BYTES = {"run": 600_000_000, "test": 1_000_000_000}
DISK_FULL = "No space left on device"
CHROMIUM_NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "msedge"]


def main(purpose: str) -> None:
    with lock_installation():
        if not is_installed(purpose):
            check_room(purpose)
            make_environment()
            install(purpose)
    if purpose == "test":
        get_chromium()


@contextmanager
def lock_installation() -> Iterator[None]:
    """Hold a lock, because two `make` in one folder would install over each other."""
    with open(ROOT / "Makefile") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another installation in this folder")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def is_installed(purpose: str) -> bool:
    """True if this Python completed .venv in this folder from this lock file."""
    try:
        return bool(json.loads(STAMP.read_text())[purpose] == compute_fingerprint(purpose))
    except (OSError, ValueError, KeyError):
        return False


def compute_fingerprint(purpose: str) -> str:
    lock = LOCKS[purpose].read_bytes()
    return hashlib.sha256(
        b"%s %s %s" % (describe_python().encode(), str(VENV).encode(), lock)
    ).hexdigest()


def describe_python() -> str:
    return f"{os.path.realpath(sys.executable)} {sys.version}"


def check_room(purpose: str) -> None:
    free = shutil.disk_usage(ROOT).free
    needed = NEEDED_BYTES[purpose]
    if not VENV.exists() and free < needed:
        stop(
            f"The disk is full: {ROOT} has {free // 10**6} MB free and Relève needs"
            f" {needed // 10**6} MB; make room and run this again."
        )


def make_environment() -> None:
    """Create .venv, or keep an earlier one that this Python can use."""
    if is_same_python():
        return
    if not importlib.util.find_spec("venv") or not importlib.util.find_spec("ensurepip"):
        stop(
            "This Python cannot make virtual environments: install its venv module"
            " (on Debian or Ubuntu: apt-get install python3-venv), then run this again."
        )
    say(f"making .venv with Python {sys.version.split()[0]}")
    shutil.rmtree(VENV, ignore_errors=True)
    made = subprocess.run(
        [sys.executable, "-m", "venv", str(VENV)],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
    )  # fmt: skip
    if made.returncode:
        shutil.rmtree(VENV, ignore_errors=True)
        stop(f"The virtual environment could not be made: {find_reason(made.stdout)}")


def is_same_python() -> bool:
    """True if .venv works, lies where it was created and belongs to this Python."""
    ask = "import os, sys; print(os.path.realpath(sys.executable), sys.version)"
    scripts = VENV / "bin" / "pip"
    try:
        said = subprocess.run(
            [str(PYTHON), "-c", ask], capture_output=True, text=True, check=False
        ).stdout
        made_here = str(VENV).encode() in scripts.read_bytes()[:300]
    except OSError:
        return False
    return said.strip() == describe_python() and made_here


def install(purpose: str) -> None:
    """Install the lock file without resolving, because it lists every package."""
    STAMP.unlink(missing_ok=True)
    total = sum("==" in line for line in LOCKS[purpose].read_text().splitlines())
    say(f"installing about {total} packages into .venv")
    began = time.monotonic()
    process = subprocess.Popen(
        [
            *(str(PYTHON), "-m", "pip", "install", "--no-deps", "--require-hashes"),
            *("--disable-pip-version-check", "--no-input", "--progress-bar", "off"),
            *("--requirement", str(LOCKS[purpose])),
        ],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
    )  # fmt: skip
    assert process.stdout is not None
    output = report_progress(process.stdout, total)
    if process.wait():
        stop(f"The packages could not be installed: {find_reason(output)}")
    say(f"installed in {time.monotonic() - began:.0f} s")
    keep_stamp(purpose)


def report_progress(lines: Iterable[str], total: int) -> str:
    """Report pip's progress every few packages; return its output for an error message."""
    output, count = "", 0
    for line in lines:
        output = (output + line)[-20_000:]
        if line.startswith(("Collecting ", "Processing ", "Requirement already satisfied")):
            count += 1
            if count % 10 == 0:
                say(f"  fetched {count} of about {total}")
        elif line.startswith("Installing collected packages"):
            say("  unpacking (half a minute)")
    return output


def keep_stamp(purpose: str) -> None:
    """Record the installation. The test packages include those of `run`."""
    purposes = ["run", "test"] if purpose == "test" else ["run"]
    STAMP.write_text(json.dumps({name: compute_fingerprint(name) for name in purposes}))


def find_reason(output: str) -> str:
    """Pick the line of a tool's output that names the error."""
    if DISK_FULL in output:
        return f"the disk is full ({DISK_FULL}); make room and run this again."
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if line.upper().startswith("ERROR")]
    return (errors or lines or ["no reason given"])[-1]


def get_chromium() -> None:
    """Install Chromium for the browser tests where that needs no confirmation."""
    if any(map(shutil.which, CHROMIUM_NAMES)):
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        say("no Chromium here: tests in the browser are skipped until you install one")
        return
    say("installing Chromium for the tests in the browser")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for arguments in (["update"], ["install", "--yes", "--no-install-recommends", "chromium"]):
        done = subprocess.run(
            ["apt-get", "--quiet", *arguments],
            env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            check=False,
        )  # fmt: skip
    if done.returncode:
        say(f"Chromium could not be installed, its tests are skipped: {find_reason(done.stdout)}")


def say(line: str) -> None:
    print(line, flush=True)


def stop(sentence: str) -> None:
    sys.exit(sentence)


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except KeyboardInterrupt:
        sys.exit("stopped; run it again to go on")
    except OSError as trouble:
        sys.exit(f"{trouble.strerror}: {trouble.filename or ROOT}; mend that and run this again.")
