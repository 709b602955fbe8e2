"""The figures of all rounds, as a table for people and as JSON for programs."""

import json
import os
import platform
import subprocess
from argparse import Namespace
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import psutil
import psycopg

from benchmarks.outcome import CUTS, Outcome

OUT = Path(__file__).parent / "out"
NAMES = ("product", "naive", "floor")
SUSTAINED = (
    "the highest rate at which every offer came, 99 in 100 within a second, and the wait did not"
    " grow by a quarter of a second in a step"
)


class Figures:
    """The outcomes of every round; reading takes the medians over the rounds."""

    def __init__(self, given: Namespace) -> None:
        self.given = given
        self.outcomes: dict[str, dict[str, list[Outcome]]] = {name: {} for name in NAMES}
        self.sustained: dict[str, list[float]] = {name: [] for name in NAMES}
        self.meta = describe_machine() | {"loadavg_before": os.getloadavg()}

    def add(self, name: str, outcomes: list[Outcome], *, sustained: float) -> None:
        for one in outcomes:
            self.outcomes[name].setdefault(f"{one.rate:g}", []).append(one)
        self.sustained[name].append(sustained)

    def latest(self, name: str, *, round_number: int) -> str:
        """One line about the latest round."""
        steps = [
            f"{rate}/s p99 {format_figure(rounds[-1].percentiles['p99'])}"
            f"{mark_unsustained(rounds[-1:])}"
            for rate, rounds in self.outcomes[name].items()
        ]
        best = f"sustained {self.sustained[name][-1]:g}/s"
        return "  ".join([f"round {round_number} {name:<8}", *steps, best])

    def latency(self, name: str) -> dict[str, dict[str, float | None]]:
        return {
            rate: {cut: median_of_known([one.percentiles[cut] for one in rounds]) for cut in CUTS}
            for rate, rounds in self.outcomes[name].items()
        }

    def cpu(self, name: str) -> dict[str, float | None]:
        """CPU of all its processes per escalation (ms), by rate."""
        return {
            rate: median_of_known([one.cpu_per_escalation for one in rounds])
            for rate, rounds in self.outcomes[name].items()
        }

    def arrived_shares(self, name: str) -> dict[str, float]:
        return {
            rate: round(median(one.arrived_share for one in rounds), 3)
            for rate, rounds in self.outcomes[name].items()
        }

    def saturated_rates(self, name: str) -> list[str]:
        """The rates not sustained in most rounds."""
        return [rate for rate, rounds in self.outcomes[name].items() if mark_unsustained(rounds)]

    def cpu_rate(self, name: str) -> str:
        """The rate at which its CPU is stated: the highest sustained, else the lowest."""
        kept = [rate for rate in self.outcomes[name] if rate not in self.saturated_rates(name)]
        return kept[-1] if kept else next(iter(self.outcomes[name]))

    @property
    def rounds(self) -> int:
        return len(self.sustained["floor"])

    def as_json(self) -> dict[str, Any]:
        return {
            "sustained_per_s": {name: median(self.sustained[name]) for name in NAMES},
            "latency_ms": {name: self.latency(name) for name in NAMES},
            "cpu_ms_per_escalation": {name: self.cpu(name)[self.cpu_rate(name)] for name in NAMES},
            "meta": {
                **self.meta,
                "loadavg_after": os.getloadavg(),
                "quick": self.given.quick,
                "agents": self.given.agents,
                "rounds": self.rounds,
                "seconds": self.given.seconds,
                "ladder_seconds": self.given.ladder_seconds,
                "sustained_means": SUSTAINED,
                "sustained_is_a_lower_bound": not self.given.ladder_seconds,
                "sustained_by_round": self.sustained,
                "saturated": {name: self.saturated_rates(name) for name in NAMES},
                "arrived": {name: self.arrived_shares(name) for name in NAMES},
                "cpu_at_rate": {name: self.cpu_rate(name) for name in NAMES},
                "cpu_ms_by_rate": {name: self.cpu(name) for name in NAMES},
            },
        }

    def table(self) -> str:
        lines = [
            "",
            f"{self.given.agents} agents connected, {self.given.seconds:g} s a step,"
            f" medians of {self.rounds} rounds",
            "POST to offer, ms      rate/s       p50       p95       p99   arrived   CPU-ms each",
        ]
        for name in NAMES:
            for rate, cuts in self.latency(name).items():
                cells = "".join(f"{format_figure(cuts[cut]):>10}" for cut in CUTS)
                share, cost = self.arrived_shares(name)[rate], format_figure(self.cpu(name)[rate])
                star = mark_unsustained(self.outcomes[name][rate])
                lines.append(f"  {name:<18}{rate:>8}{cells}{share:>9.0%}{cost:>13} {star}".rstrip())
        return "\n".join([*lines, *self._sustained()])

    def _sustained(self) -> list[str]:
        at_least = "" if self.given.ladder_seconds else "at least "
        best = {name: median(self.sustained[name]) for name in NAMES}
        told = ", ".join(f"{name} {at_least}{rate:g}/s" for name, rate in best.items())
        lines = [f"  * not sustained: of what came in. Sustained: {told}"]
        if best["naive"] and best["floor"]:
            lines.append(
                f"  product to naive {best['product'] / best['naive']:.1f},"
                f" product to floor {best['product'] / best['floor']:.2f}"
            )
        return lines


def mark_unsustained(rounds: list[Outcome]) -> str:
    return "" if sum(one.has_kept_up for one in rounds) * 2 > len(rounds) else "*"


def median_of_known(figures: list[float | None]) -> float | None:
    known = [figure for figure in figures if figure is not None]
    return round(median(known), 2) if known else None


def format_figure(figure: float | None) -> str:
    return "—" if figure is None else f"{figure:.4g}" if figure < 1000 else f"{figure:.0f}"


def describe_machine() -> dict[str, Any]:
    with psycopg.connect(os.environ["DATABASE_URL"]) as database:
        (postgres,) = database.execute("SHOW server_version").fetchone() or ("",)
    memory = psutil.virtual_memory().total
    names = ("django", "djangorestframework", "celery", "channels", "psycopg", "granian", "uvicorn")
    return {
        "machine": {
            "cpu": read_cpu_model(),
            "cores": os.cpu_count(),
            "memory_gb": round(memory / 1e9),
            "system": platform.platform(terse=True),
        },
        "versions": {
            "python": platform.python_version(),
            "postgresql": postgres,
            **{name: version(name) for name in names},
        },
    }


def read_cpu_model() -> str:
    said = subprocess.run(["lscpu"], capture_output=True, text=True, check=False).stdout
    found = [line.split(":", 1)[1].strip() for line in said.splitlines() if "Model name" in line]
    return found[0] if found else platform.machine()


def write_figures(name: str, figures: dict[str, Any]) -> None:
    OUT.mkdir(exist_ok=True)
    (OUT / f"{name}.json").write_text(json.dumps(figures, indent=2) + "\n")
    print(f"written: benchmarks/out/{name}.json")
