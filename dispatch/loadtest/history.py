"""Histories: what an actor sent, what was acknowledged, what it saw, with the time of each.

A line of JSON each, {"at": seconds since 1970, "act": "escalation", "how": "acked", ...}. `how` is
one of "sent", "acked", "refused" (the answer is no), "doubted" (no answer, or none to rely on; it
is sent again), "seen" (without having asked).
"""

import json
import time
from collections import Counter
from pathlib import Path
from typing import Any


class HistoryStore:
    """The histories of all actors in one folder, and how often each act was noted in all."""

    def __init__(self, folder: Path | None = None) -> None:
        """`folder`: made if it is not there. Without one nothing is kept but the counts."""
        self.folder = folder
        self.counts: Counter[tuple[str, str]] = Counter()
        if folder:
            folder.mkdir(parents=True, exist_ok=True)

    def history(self, actor: str) -> "History":
        return History(actor, self)

    def count(self, act: str, how: str) -> int:
        return self.counts[act, how]


class History:
    """The history of one actor."""

    def __init__(self, actor: str, store: HistoryStore) -> None:
        self.actor, self._store = actor, store
        self._path = store.folder / f"{actor}.jsonl" if store.folder else None

    def note(self, act: str, how: str, **facts: Any) -> None:
        self._store.counts[act, how] += 1
        if self._path:
            line = json.dumps({"at": time.time(), "act": act, "how": how, **facts})
            with self._path.open("a") as file:
                file.write(f"{line}\n")


def read(folder: Path) -> list[dict[str, Any]]:
    """All that was noted in a folder, in order of time; each line also says whose it is."""
    lines = [
        {"actor": path.stem, **json.loads(line)}
        for path in sorted(folder.glob("*.jsonl"))
        for line in path.read_text().splitlines()
    ]
    return sorted(lines, key=lambda line: float(line["at"]))
