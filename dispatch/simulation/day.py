"""A day to simulate: its callers, and its agents with their shifts.

Times are seconds after midnight. Everything random is drawn before the simulation, so every
strategy meets the same callers with the same answers and lengths.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import NamedTuple
from uuid import UUID

from dispatch.rules.policy import BEST, LANE_FILTERS, FreeAgent, WaitingTicket

#: An arbitrary midnight, because only differences of times count.
MIDNIGHT = datetime(2026, 11, 1, tzinfo=UTC)
DAY = 86_400.0


def to_datetime(seconds: float) -> datetime:
    return MIDNIGHT + timedelta(seconds=seconds)


class SimulatedAnswer(NamedTuple):
    """An agent's answer to an offer after so many seconds; `yes` is None if it times out."""

    yes: bool | None
    after: float


#: Agents who accept at once, as in a call centre.
AT_ONCE = (SimulatedAnswer(True, 0.0),)


@dataclass(frozen=True)
class Caller:
    """A customer who asks for a human, and leaves if not served `leaves_after` seconds later."""

    ticket: WaitingTicket
    arrives: float
    #: Seconds of conversation and wrap-up.
    talks: float
    leaves_after: float
    #: The answers to the first, second, … offer. The last one repeats.
    answers: tuple[SimulatedAnswer, ...] = AT_ONCE
    #: The skills that the policy's last step drops.
    gives_way: frozenset[str] = frozenset()
    #: True if they leave without closing the chat, so that their ticket stays in the queue.
    silent: bool = False


class Shift(NamedTuple):
    """A time an agent works, in seconds after midnight."""

    begins: float
    ends: float


@dataclass(frozen=True)
class Worker:
    """An agent at the beginning of the day."""

    profile: FreeAgent
    spans: tuple[Shift, ...]
    #: Conversations at once, at most.
    capacity: int = 1


@dataclass(frozen=True)
class SimulatedDay:
    """A day with everything random already drawn."""

    name: str
    callers: Sequence[Caller]
    workers: Sequence[Worker]
    #: The share of callers that requires each capability, as known from earlier days.
    usual: Mapping[str, float] = field(default_factory=dict)
    #: How many times longer an agent below the first required level takes.
    slower: float = 1.0
    #: The agents who can serve each lane, shared by all simulations of this day.
    _able: dict[Hashable, frozenset[UUID]] = field(default_factory=dict, repr=False)

    def find_able(self, ticket: WaitingTicket) -> frozenset[UUID]:
        """The ids of agents who can serve this ticket's lane, present and free or not."""
        lane = ticket.lane
        if lane not in self._able:
            self._able[lane] = frozenset(
                worker.profile.id
                for worker in self.workers
                if not any(excludes(ticket, worker.profile) for excludes in LANE_FILTERS.values())
            )
        return self._able[lane]

    def with_staff(self, many: int, *, seed: int) -> "SimulatedDay":
        """The same callers with this many agents, drawn at random; agents beyond all are copies."""
        rng = Random(f"{self.name} {seed}")
        kept = rng.sample(self.workers, min(many, len(self.workers)))
        copied = rng.choices(self.workers, k=many - len(kept)) if many > len(kept) else []
        first = max((worker.profile.id.int for worker in self.workers), default=0) + 1
        copies = [
            replace(worker, profile=replace(worker.profile, id=UUID(int=number)))
            for number, worker in enumerate(copied, start=first)
        ]
        return SimulatedDay(self.name, self.callers, [*kept, *copies], self.usual, self.slower)

    def with_silent(self, share: float, *, seed: int) -> "SimulatedDay":
        """The same day where this random share of callers leaves without closing the chat.

        The draw has a generator of its own, so everything else stays the same.
        """
        rng = Random(f"{self.name} {seed} silent")
        callers = [
            replace(caller, silent=True) if rng.random() < share else caller
            for caller in self.callers
        ]
        return SimulatedDay(self.name, callers, self.workers, self.usual, self.slower)

    def with_everybody_able(self) -> "SimulatedDay":
        """The same day where every agent has all languages, skills and certificates at level 5.

        It is a bound: no strategy does better with the real agents, except by chance.
        """
        languages = {caller.ticket.language: BEST for caller in self.callers}
        skills = {skill: BEST for caller in self.callers for skill in caller.ticket.skills}
        certificates = frozenset(caller.ticket.certificate for caller in self.callers)
        workers = [
            replace(
                worker,
                profile=replace(
                    worker.profile, languages=languages, skills=skills, certificates=certificates
                ),
            )
            for worker in self.workers
        ]
        return SimulatedDay(self.name, self.callers, workers, self.usual, self.slower)


def build_ticket(
    number: int,
    *,
    language: str,
    skills: Mapping[str, int],
    arrives: float,
    promised: float,
    urgency: int = 1,
) -> WaitingTicket:
    """The ticket of the caller with this number; `promised` is the promised wait in seconds."""
    return WaitingTicket(
        id=UUID(int=number),
        language=language,
        queued_at=to_datetime(arrives),
        due_at=to_datetime(arrives + promised),
        urgency=urgency,
        skills=skills,
    )


def build_agent(
    number: int, *, languages: Mapping[str, int], skills: Mapping[str, int]
) -> FreeAgent:
    """The agent with this number, at midnight."""
    return FreeAgent(id=UUID(int=number), languages=languages, skills=skills, idle_since=MIDNIGHT)
