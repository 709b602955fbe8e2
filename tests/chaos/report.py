"""What chaos tells: a line for each fault while it runs, a table and figures when all is over."""

import json
from collections import Counter
from dataclasses import asdict, fields
from pathlib import Path

from tests.chaos.__main__ import CODES
from tests.chaos.checker import Finding
from tests.chaos.scenario import Outcome

HEAD = """# Chaos

What `make chaos` measured last: the platform's real processes with servers of their own, under
load, and one fault at a time. Actors that use the platform as people and bots do each keep a
history. When all has come to rest, everything that was acknowledged to them is compared with the
rows: escalations, messages, acceptances, payments, webhooks. All invariants are checked once a
second meanwhile.

*Recovered* is when offers reached a desk as usual (within 5 s) again, counted from the last fault,
as a probe saw it that asks once a second; 0 means that none was late. *Longest wait* is the longest
that any of the probe's offers took, from the first fault on.
"""
NOTES = """## How each is done

- **F1**, **F4**: a process dies at a chosen statement: the matcher before its offers are committed
  and before they are pushed, the worker after a webhook was sent and before that is written down,
  the scheduler after it paid and before that is committed; the web server before and after an
  escalation is committed, and inside an acceptance. Celery's workers are threads or solo here, so
  it is always the whole process. *F4W*: it dies while twelve customers write without a pause.
- What dies is started again after a second, as the supervisor would. In **F3** nothing is, for a
  minute and a half (`LONG=1`: ten).
- **F18**, **F19**, **F20**: Valkey is reached through a proxy that knows which commands carry
  messages (news, wake-ups, tasks) and repeats, delays or swallows those. In F18 all actors also
  send each request up to three times at once. In F19 messages are up to half a minute late
  (`LONG=1`: two).
- **F21** to **F25** are run by people of their own, over HTTP and WebSocket, a dozen times each. In
  F23 the minute is cut short in the database, and a lock on the ticket is held until 400, 200, 1 ms
  before, at, 1 and 200 ms after its end.
- A second agent is asked after five seconds instead of twenty, so that there is more to race for.
- PostgreSQL's commits are waited for, the disk is not: processes die here, the machine does not."""
COLUMNS = (
    "| fault | | recovered, s | bound | longest wait, s | bound | lost | doubled | wrong "
    "| invariants broken | verdict |\n|---|---|--:|--:|--:|--:|--:|--:|--:|--:|---|"
)


def line(one: Outcome) -> str:
    """For the terminal."""
    parts = ["ok" if one.good else "NOT GOOD"]
    if one.recovered_s is not None:
        parts.append(f"recovered in {one.recovered_s} s")
    parts.append(f"longest wait {one.longest_wait_s} s")
    if one.counts:
        kinds = ", ".join(f"{one.count(kind)} {kind}" for kind in ("lost", "doubled", "wrong"))
        parts.append(f"{kinds}, {len(one.broken)} broken")
        parts.append(", ".join(f"{count} {name}" for name, count in one.counts.items()))
    parts += [f"{name}: {value}" for name, value in one.measured.items()]
    return f"{one.code:>4} {one.title} ({one.took_s:.0f} s): {'; '.join(parts)}"


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


def totals(outcomes: list[Outcome]) -> str:
    """What there was to lose, and what else was measured."""
    sums = sum((Counter(one.counts) for one in outcomes), Counter())
    told = (
        f"In all: {sums['escalations']} escalations, {sums['messages']} messages,"
        f" {sums['payments']} payments and {sums['webhooks']} webhooks were acknowledged or heard;"
        f" {sums['in_doubt']} answers were in doubt and asked for again, {sums['unclear']} never"
        f" came."
    )
    measured = [
        f"- {one.code}: {', '.join(f'{name}: {value}' for name, value in one.measured.items())}"
        for one in outcomes
        if one.measured
    ]
    return "\n".join([told, "", *measured])


def write(outcomes: list[Outcome], *, page: Path | None, figures: Path) -> None:
    """`page`: the table for readers, of all that was ever measured here, each as it was last."""
    kept = read(figures) if page else []
    last = {one.code: one for one in (*kept, *outcomes)}
    known = sorted(last.values(), key=lambda one: CODES.index(one.code)) if page else outcomes
    figures.parent.mkdir(parents=True, exist_ok=True)
    rows = [asdict(one) | {"good": one.good} for one in known]
    figures.write_text(json.dumps(rows, indent=1, default=str) + "\n")
    if page and len(known) == len(CODES):
        parts = [HEAD, "\n".join([COLUMNS, *map(row, known)]), totals(known), NOTES]
        page.write_text("\n\n".join(part.strip("\n") for part in parts) + "\n")


def read(figures: Path) -> list[Outcome]:
    """What an earlier run left."""
    if not figures.exists():
        return []
    names = {one.name for one in fields(Outcome)}
    rows = [
        Outcome(**{name: value for name, value in one.items() if name in names})
        for one in json.loads(figures.read_text())
    ]
    for one in rows:
        one.findings = [Finding(*found) for found in one.findings]
    return [one for one in rows if one.code in CODES]
