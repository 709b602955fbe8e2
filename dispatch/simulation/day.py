"""A day to be played: who calls, what for and for how long, and who is there to help.

Times are seconds after midnight. All that is chance is drawn before the day is played, so that
every way of pairing meets the same callers with the same luck.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import NamedTuple
from uuid import UUID

from dispatch.rules.policy import BEST, LANE_FILTERS, FreeAgent, WaitingTicket

#: Any midnight would do: only differences count.
MIDNIGHT = datetime(2026, 11, 1, tzinfo=UTC)
DAY = 86_400.0


def moment(seconds: float) -> datetime:
    return MIDNIGHT + timedelta(seconds=seconds)


class SimulatedAnswer(NamedTuple):
    """What whoever is asked says, and after how many seconds. None: nothing, until time is up."""

    yes: bool | None
    after: float


#: Where nobody is asked for leave, as in a call centre.
AT_ONCE = (SimulatedAnswer(True, 0.0),)


@dataclass(frozen=True)
class Caller:
    """Somebody who asks for a human. Without patience to the end they leave at `leaves_after`."""

    ticket: WaitingTicket
    arrives: float
    #: How long helping them takes, in seconds.
    talks: float
    leaves_after: float
    #: What the first, the second, … who is asked for them says; from the last on, the same again.
    answers: tuple[SimulatedAnswer, ...] = AT_ONCE
    #: Those of the skills that are dropped at the policy's last step.
    gives_way: frozenset[str] = frozenset()
    #: Whether they leave without a word, so that they stand in line and nobody is there.
    silent: bool = False


class Shift(NamedTuple):
    """From when to when somebody is there."""

    begins: float
    ends: float


@dataclass(frozen=True)
class Worker:
    """An agent as they begin the day."""

    profile: FreeAgent
    spans: tuple[Shift, ...]
    #: Most conversations at once.
    capacity: int = 1


@dataclass(frozen=True)
class SimulatedDay:
    """A day with all its luck."""

    name: str
    callers: Sequence[Caller]
    workers: Sequence[Worker]
    #: The share of callers that usually asks for each thing, as the days before told.
    usual: Mapping[str, float] = field(default_factory=dict)
    #: So many times as long takes whoever knows less than was first asked for.
    slower: float = 1.0
    #: Who can serve a lane, found once for all who play this day.
    _able: dict[Hashable, frozenset[UUID]] = field(default_factory=dict, repr=False)

    def able(self, ticket: WaitingTicket) -> frozenset[UUID]:
        """Who can serve a ticket of this lane, were they here and had room."""
        lane = ticket.lane
        if lane not in self._able:
            self._able[lane] = frozenset(
                worker.profile.id
                for worker in self.workers
                if not any(excludes(ticket, worker.profile) for excludes in LANE_FILTERS.values())
            )
        return self._able[lane]

    def with_staff(self, many: int, *, seed: int) -> "SimulatedDay":
        """The same callers with so many agents: some drawn by lot leave, or come twice."""
        luck = Random(f"{self.name} {seed}")
        here = luck.sample(self.workers, min(many, len(self.workers)))
        also = luck.choices(self.workers, k=many - len(here)) if many > len(here) else []
        first = max((worker.profile.id.int for worker in self.workers), default=0) + 1
        twins = [
            replace(worker, profile=replace(worker.profile, id=UUID(int=number)))
            for number, worker in enumerate(also, start=first)
        ]
        return SimulatedDay(self.name, self.callers, [*here, *twins], self.usual, self.slower)

    def with_silent(self, share: float, *, seed: int) -> "SimulatedDay":
        """The same day where this share of all callers, drawn by lot, would leave without a word.

        The lot is drawn by itself, so that all other luck stays the same.
        """
        luck = Random(f"{self.name} {seed} silent")
        callers = [
            replace(caller, silent=True) if luck.random() < share else caller
            for caller in self.callers
        ]
        return SimulatedDay(self.name, callers, self.workers, self.usual, self.slower)

    def with_everybody_able(self) -> "SimulatedDay":
        """The same day where every agent can do all that is asked for, as well as can be.

        No pairing of the real agents can do better than this, but for chance.
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


def a_ticket(
    number: int,
    *,
    language: str,
    skills: Mapping[str, int],
    arrives: float,
    promised: float,
    urgency: int = 1,
) -> WaitingTicket:
    """The ticket of the caller of this number; `promised` is the client's wait in seconds."""
    return WaitingTicket(
        id=UUID(int=number),
        language=language,
        queued_at=moment(arrives),
        due_at=moment(arrives + promised),
        urgency=urgency,
        skills=skills,
    )


def an_agent(number: int, *, languages: Mapping[str, int], skills: Mapping[str, int]) -> FreeAgent:
    """The agent of this number, at midnight."""
    return FreeAgent(id=UUID(int=number), languages=languages, skills=skills, idle_since=MIDNIGHT)
