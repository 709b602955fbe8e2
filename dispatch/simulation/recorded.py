"""Days that happened, read from the records of a call centre; what no record tells is drawn.

Who was there is read off who served whom: an agent is there from their first call to the end of
their last, save gaps of more than a quarter of an hour, and can do what they really did that day,
and nothing else. Each kind is asked for and known at the highest level: lowering changes nothing.
How long somebody who was answered would have waited is drawn from those who were not (`patience`).
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
from dispatch.simulation.day import Caller, Shift, SimulatedDay, Worker, a_ticket, an_agent
from dispatch.simulation.measures import CallerOutcome, Measures
from dispatch.simulation.patience import Patience

#: Who takes no call for longer than this has a break.
BREAK = 15 * 60.0
#: All calls are taken for one language: records name none.
LANGUAGE = "und"
#: What the centre meant to hold: an answer within so many seconds.
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
    def in_line(self) -> bool:
        """Whoever left without having waited hung up in the menu."""
        return self.served or self.queued > 0


def read(lines: Iterable[str]) -> list[Call]:
    """The calls of a file, in order. Raises ValueError or KeyError for one of another form."""
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
    """One day as it was, and what all days of the file teach of each kind of call."""

    date: str
    calls: Sequence[Call]
    patience: Mapping[str, Patience]
    lengths: Mapping[str, numpy.ndarray]
    #: The share of callers that asked for each thing on the other days: known that morning.
    usual: Mapping[str, float]

    @cached_property
    def workers(self) -> list[Worker]:
        served: defaultdict[str, list[Call]] = defaultdict(list)
        for call in self.calls:
            if call.served and call.agent:
                served[call.agent].append(call)
        return [
            Worker(
                an_agent(
                    number,
                    languages={LANGUAGE: BEST},
                    skills={call.kind: BEST for call in served[name]},
                ),
                spans(served[name]),
            )
            for number, name in enumerate(sorted(served), start=1)
        ]

    @cached_property
    def queued(self) -> list[Call]:
        """Those who stood in line while somebody was there."""
        there = [span for worker in self.workers for span in worker.spans]
        return [
            call
            for call in self.calls
            if call.in_line and any(span.begins <= call.arrives < span.ends for span in there)
        ]

    def drawn(self, seed: int) -> SimulatedDay:
        """The day with its luck: the same for the same seed, whatever is compared on it."""
        luck = numpy.random.default_rng([seed, *self.date.encode()])
        callers = []
        for number, call in enumerate(self.queued, start=1):
            patient, long = luck.random(2)
            callers.append(
                Caller(
                    a_ticket(
                        number,
                        language=LANGUAGE,
                        skills={call.kind: BEST},
                        arrives=call.arrives,
                        promised=PROMISED,
                    ),
                    arrives=call.arrives,
                    talks=call.talked if recorded(call) else self._length(call.kind, long),
                    leaves_after=self.patience[call.kind].at(patient),
                )
            )
        return SimulatedDay(self.date, callers, self.workers, self.usual)

    def _length(self, kind: str, chance: float) -> float:
        known = self.lengths[kind]
        return float(known[int(chance * len(known))])

    def as_it_was(self) -> Measures:
        """What really happened, measured the same way."""
        fates = [
            CallerOutcome(call.queued, answered=call.served, gone=not call.served)
            for call in self.queued
        ]
        talked: defaultdict[str, float] = defaultdict(float)
        for call in self.calls:
            if call.served and call.agent:
                talked[call.agent] += call.talked
        here = [sum(span.ends - span.begins for span in worker.spans) for worker in self.workers]
        shares = [talked[name] / there for name, there in zip(sorted(talked), here, strict=True)]
        return measures.of(fates, shares)


def recorded(call: Call) -> bool:
    """Whether how long it took is known."""
    return call.served and call.talked > 0


def spans(calls: Iterable[Call]) -> tuple[Shift, ...]:
    """When an agent who served these calls was there."""
    found: list[Shift] = []
    for call in sorted(calls, key=lambda call: call.began):
        if found and call.began - found[-1].ends <= BREAK:
            found[-1] = Shift(found[-1].begins, max(found[-1].ends, call.ended))
        else:
            found.append(Shift(call.began, call.ended))
    return tuple(found)


def days(calls: Sequence[Call]) -> list[Recording]:
    """The days of a file, in order."""
    by_kind: defaultdict[str, list[Call]] = defaultdict(list)
    by_date: defaultdict[str, list[Call]] = defaultdict(list)
    for call in calls:
        by_kind[call.kind].append(call)
        by_date[call.date].append(call)
    patience = {
        kind: Patience.learned(
            left=[call.queued for call in some if call.in_line and not call.served],
            answered=[call.queued for call in some if call.served],
        )
        for kind, some in by_kind.items()
    }
    everything = numpy.array([call.talked for call in calls if recorded(call)])
    lengths = {
        kind: numpy.array([call.talked for call in some if recorded(call)])
        for kind, some in by_kind.items()
    }
    lengths = {kind: some if len(some) else everything for kind, some in lengths.items()}
    return [
        Recording(date, by_date[date], patience, lengths, _usual(calls, but=date))
        for date in sorted(by_date)
    ]


def _usual(calls: Sequence[Call], *, but: str) -> dict[str, float]:
    """What was asked for on the other days; of a file of one day, on that day."""
    others = [call for call in calls if call.date != but] or calls
    counted = Counter(call.kind for call in others if call.in_line)
    return demand_shares(
        (required_capabilities(LANGUAGE, [kind]), many) for kind, many in counted.items()
    )
