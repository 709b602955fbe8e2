"""Preparations before the platform's processes start: schema, static files, translations, demo."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from config import embedded
from config.embedded import Trouble
from config.up.supervision import read_last_output

ROOT = embedded.BASE_DIR


@dataclass
class Demo:
    """The logins and settings that the demo created."""

    password: str
    logins: list[dict[str, str]]
    chatbot: dict[str, str]


@dataclass
class Preparation:
    """Runs management commands, each with its own log."""

    logs: Path
    environment: dict[str, str]

    def migrate(self) -> None:
        self.manage("migrate", "--verbosity", "1")

    def load_demo(self, chatbot: str) -> Demo:
        self.manage("demo", "--chatbot-url", chatbot)
        return Demo(**json.loads((embedded.data_dir() / "demo.json").read_text()))

    def collect_static_files(self) -> bool:
        """Collect the static files if a source changed. Returns whether it did."""
        stamp = embedded.data_dir() / "static.stamp"
        now = compute_fingerprint(list_static_sources())
        collected = embedded.data_dir() / "static" / "staticfiles.json"
        if collected.exists() and stamp.exists() and stamp.read_text() == now:
            return False
        self.manage("collectstatic", "--noinput", "--clear")
        stamp.write_text(now)
        return True

    def manage(self, command: str, *arguments: str) -> None:
        self.run(command, [sys.executable, "manage.py", command, *arguments])

    def run(self, name: str, command: list[str]) -> None:
        """Run the command to its end. Raises Trouble with its last output."""
        log = self.logs / f"{name}.log"
        with log.open("wb") as output:
            done = subprocess.run(
                command,
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                check=False,
            )
        if done.returncode:
            raise Trouble(f"`{name}` failed: {read_last_output(log)}")


def list_static_sources() -> Iterator[Path]:
    """The files that determine the collected files: ours and those of packages."""
    yield ROOT / "requirements.txt"
    yield ROOT / "config" / "settings.py"
    for app in ("agents", "tickets", "dispatch"):
        yield from sorted(path for path in (ROOT / app).rglob("static/**/*") if path.is_file())


def compute_fingerprint(paths: Iterator[Path]) -> str:
    seen: list[Any] = [(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in paths]
    return hashlib.sha256(json.dumps(seen).encode()).hexdigest()


def compile_catalogs() -> int:
    """Compile each catalogue newer than its compiled file. Returns the number compiled."""
    fresh = [path for path in ROOT.glob("locale/*/LC_MESSAGES/*.po") if is_stale(path)]
    for path in fresh:
        compile_catalog(path)
    return len(fresh)


def is_stale(source: Path) -> bool:
    compiled = source.with_suffix(".mo")
    return not compiled.exists() or compiled.stat().st_mtime < source.stat().st_mtime


def compile_catalog(source: Path) -> None:
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    with source.open("rb") as words, source.with_suffix(".mo").open("wb") as compiled:
        write_mo(compiled, read_po(words, locale=source.parts[-3]))
