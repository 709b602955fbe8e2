"""Recorded days, read from the records of a call centre. What no record contains is drawn.

Shifts are inferred from calls: an agent works from their first call to the end of their last,
without gaps of more than a quarter of an hour. An agent has the skills of the calls they took that
day, and no other. All levels are the highest, so lowering changes nothing. The patience of callers
who were answered is drawn from the Kaplan-Meier estimate (`patience`).
"""

import csv
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy

from dispatch.rules.policy import BEST, demand_shares, required_capabilities
from dispatch.simulation import measures
from dispatch.simulation.day import Caller, Shift, SimulatedDay, Worker, build_agent, build_ticket
from dispatch.simulation.measures import CallerOutcome, Measures
from dispatch.simulation.patience import Patience

#: A gap between calls longer than this many seconds is a break.
BREAK = 15 * 60.0
#: The language of all calls, because records name none.
LANGUAGE = "und"
#: The centre's target: an answer within this many seconds.
PROMISED = 20.0


class Call(NamedTuple):
    """A row of the file. Times in seconds; `agent` is empty where none was recorded."""

    date: str
    arrives: float
    kind: str
    priority: int
    queued: float
    served: bool
    talked: float
    agent: str

    @property
    def began(self) -> float:
        return self.arrives + self.queued

    @property
    def ended(self) -> float:
        return self.began + self.talked

    @property
    def is_queued(self) -> bool:
        """False for a caller who hung up in the menu, without having waited."""
        return self.served or self.queued > 0


def read_calls(lines: Iterable[str]) -> list[Call]:
    """The calls of a CSV file, in order. Raises ValueError or KeyError for another format."""
    return [
        Call(
            date=row["date"],
            arrives=float(row["arrival_s"]),
            kind=row["type"],
            priority=int(row["priority"]),
            queued=float(row["queue_s"]),
            served=row["outcome"] == "served",
            talked=float(row["service_s"]),
            agent=row["agent"],
        )
        for row in csv.DictReader(lines)
    ]


@dataclass(frozen=True)
class Recording:
    """One recorded day, with the patience and durations of each kind of call over all days."""

    date: str
    calls: Sequence[Call]
    patience: Mapping[str, Patience]
    durations: Mapping[str, numpy.ndarray]
    #: The share of callers that required each capability on the other days.
    usual: Mapping[str, float]

    @cached_property
    def workers(self) -> list[Worker]:
        served: defaultdict[str, list[Call]] = defaultdict(list)
        for call in self.calls:
            if call.served and call.agent:
                served[call.agent].append(call)
        return [
            Worker(
                build_agent(
                    number,
                    languages={LANGUAGE: BEST},
                    skills={call.kind: BEST for call in served[name]},
                ),
                infer_shifts(served[name]),
            )
            for number, name in enumerate(sorted(served), start=1)
        ]

    @cached_property
    def queued(self) -> list[Call]:
        """The calls that were queued while an agent was on shift."""
        shifts = [span for worker in self.workers for span in worker.spans]
        return [
            call
            for call in self.calls
            if call.is_queued and any(span.begins <= call.arrives < span.ends for span in shifts)
        ]

    def draw(self, seed: int) -> SimulatedDay:
        """The day with everything random drawn. The same seed gives the same day."""
        rng = numpy.random.default_rng([seed, *self.date.encode()])
        callers = []
        for number, call in enumerate(self.queued, start=1):
            patience, duration = rng.random(2)
            callers.append(
                Caller(
                    build_ticket(
                        number,
                        language=LANGUAGE,
                        skills={call.kind: BEST},
                        arrives=call.arrives,
                        promised=PROMISED,
                    ),
                    arrives=call.arrives,
                    talks=call.talked
                    if has_duration(call)
                    else self._draw_duration(call.kind, duration),
                    leaves_after=self.patience[call.kind].quantile(patience),
                )
            )
        return SimulatedDay(self.date, callers, self.workers, self.usual)

    def _draw_duration(self, kind: str, chance: float) -> float:
        known = self.durations[kind]
        return float(known[int(chance * len(known))])

    def measure_recorded(self) -> Measures:
        """The measures of what really happened."""
        outcomes = [
            CallerOutcome(call.queued, answered=call.served, gone=not call.served)
            for call in self.queued
        ]
        talked: defaultdict[str, float] = defaultdict(float)
        for call in self.calls:
            if call.served and call.agent:
                talked[call.agent] += call.talked
        present = [sum(span.ends - span.begins for span in worker.spans) for worker in self.workers]
        shares = [
            talked[name] / seconds for name, seconds in zip(sorted(talked), present, strict=True)
        ]
        return measures.measure(outcomes, shares)


def has_duration(call: Call) -> bool:
    """True if the duration of the call was recorded."""
    return call.served and call.talked > 0


def infer_shifts(calls: Iterable[Call]) -> tuple[Shift, ...]:
    """The shifts of the agent who took these calls."""
    found: list[Shift] = []
    for call in sorted(calls, key=lambda call: call.began):
        if found and call.began - found[-1].ends <= BREAK:
            found[-1] = Shift(found[-1].begins, max(found[-1].ends, call.ended))
        else:
            found.append(Shift(call.began, call.ended))
    return tuple(found)


def build_days(calls: Sequence[Call]) -> list[Recording]:
    """The days of a file, in order."""
    by_kind: defaultdict[str, list[Call]] = defaultdict(list)
    by_date: defaultdict[str, list[Call]] = defaultdict(list)
    for call in calls:
        by_kind[call.kind].append(call)
        by_date[call.date].append(call)
    patience = {
        kind: Patience.estimate(
            left=[call.queued for call in some if call.is_queued and not call.served],
            answered=[call.queued for call in some if call.served],
        )
        for kind, some in by_kind.items()
    }
    everything = numpy.array([call.talked for call in calls if has_duration(call)])
    lengths = {
        kind: numpy.array([call.talked for call in some if has_duration(call)])
        for kind, some in by_kind.items()
    }
    lengths = {kind: some if len(some) else everything for kind, some in lengths.items()}
    return [
        Recording(date, by_date[date], patience, lengths, _count_usual_demand(calls, but=date))
        for date in sorted(by_date)
    ]


def _count_usual_demand(calls: Sequence[Call], *, but: str) -> dict[str, float]:
    """The demand shares of the other days; of a file with one day, of that day."""
    others = [call for call in calls if call.date != but] or calls
    counts = Counter(call.kind for call in others if call.is_queued)
    return demand_shares(
        (required_capabilities(LANGUAGE, [kind]), many) for kind, many in counts.items()
    )
