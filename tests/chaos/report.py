"""What chaos tells: a line for each fault while it runs, a table and figures when all is over."""

import json
from dataclasses import asdict
from pathlib import Path

from tests.chaos.scene import Outcome

HEAD = """# Chaos

What `make chaos` measured last: the platform's real processes with servers of their own, under
load, and one fault at a time. Actors that use the platform as people and bots do each keep a
logbook; when all has come to rest, everything they were told is held against the rows: escalations,
messages, acceptances, payments, webhooks. All invariants are looked at once a second meanwhile.

*Recovered* is when offers reached a desk as usual (within 5 s) again, counted from the last blow,
as a probe saw it that asks once a second; 0 means that none was late. *Longest wait* is the longest
that any of the probe's offers took, from the first blow on.
"""
COLUMNS = (
    "| fault | | recovered, s | bound | longest wait, s | bound | lost | doubled | wrong "
    "| invariants broken | verdict |\n|---|---|--:|--:|--:|--:|--:|--:|--:|--:|---|"
)


def line(one: Outcome) -> str:
    """For the terminal."""
    recovered = "" if one.recovered_s is None else f", recovered in {one.recovered_s} s"
    verdict = "ok" if one.good else "NOT GOOD"
    return (
        f"{one.code:>4} {one.title}: {verdict}{recovered}, longest wait {one.longest_wait_s} s,"
        f" {one.count('lost')} lost, {one.count('doubled')} doubled, {one.count('wrong')} wrong,"
        f" {len(one.broken)} broken; {one.counts['escalations']} escalations,"
        f" {one.counts['messages']} messages, {one.counts['payments']} payments,"
        f" {one.counts['in_doubt']} in doubt; {one.took_s} s {one.measured or ''}"
    )


def complaints(one: Outcome) -> list[str]:
    found = [f"{finding.kind}: {finding.what}" for finding in one.findings]
    found += [f"broken: {name} {what}" for name, what in one.broken]
    return found if one.in_time else [*found, "not within the bound"]


def row(one: Outcome) -> str:
    def number(value: float | None) -> str:
        return "" if value is None else f"{value:g}"

    cells = [
        one.code,
        one.title,
        number(one.recovered_s),
        number(one.bound_s),
        number(one.longest_wait_s),
        number(one.outage_s),
        str(one.count("lost")),
        str(one.count("doubled")),
        str(one.count("wrong")),
        str(len(one.broken)),
        "good" if one.good else "**not good**",
    ]
    return f"| {' | '.join(cells)} |"


def write(outcomes: list[Outcome], *, page: Path | None, figures: Path, notes: list[str]) -> None:
    """`page`: the table for readers; not written for a part of the faults."""
    figures.parent.mkdir(parents=True, exist_ok=True)
    kept = [asdict(one) | {"good": one.good} for one in outcomes]
    figures.write_text(json.dumps(kept, indent=1, default=str) + "\n")
    if page:
        parts = [HEAD, "\n".join([COLUMNS, *map(row, outcomes)]), *notes]
        page.write_text("\n\n".join(part.strip("\n") for part in parts) + "\n")
