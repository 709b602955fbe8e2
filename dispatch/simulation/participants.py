"""Callers and agents of a played day, as they are while it goes on."""

from dataclasses import dataclass, replace
from functools import cached_property
from uuid import UUID

from dispatch.rules.policy import FreeAgent, WaitingTicket, capabilities
from dispatch.simulation.day import Caller, Worker, moment


@dataclass
class SimulatedTicket:
    """A caller as the day goes on. In the end they were served, left, or were there at closing."""

    caller: Caller
    #: As it is in line now: levels lowered, with who was asked.
    ticket: WaitingTicket
    served_at: float | None = None
    left_at: float | None = None
    agent: UUID | None = None
    #: Whether who served them knows all that was asked for, at the level first asked for.
    fits: bool = False
    asked: int = 0
    #: Offers made of it, and those among them that another agent took.
    taken: int = 0
    #: The ticket is served, or closed because they left.
    closed: bool = False
    #: An agent said yes and found nobody.
    in_vain: bool = False

    @property
    def over(self) -> bool:
        return self.served_at is not None or self.left_at is not None


@dataclass
class SimulatedAgent:
    """An agent as the day goes on."""

    worker: Worker
    idle_since: float = 0.0
    worked: int = 0
    here: bool = False
    #: Pending offers and conversations.
    load: int = 0
    talking: int = 0
    #: The most there were at once, and seconds of conversation, those at once counted each.
    most: int = 0
    talked: float = 0.0
    #: Since when they are here or finish what they are in; seconds of it before.
    since: float | None = None
    present: float = 0.0
    #: How many more could be helped, as others know it.
    room: int = 0
    _seen: FreeAgent | None = None

    @cached_property
    def capabilities(self) -> list[str]:
        return capabilities(self.worker.profile.languages, self.worker.profile.skills)

    @property
    def id(self) -> UUID:
        return self.worker.profile.id

    @property
    def able(self) -> FreeAgent:
        """The agent as matching sees them now."""
        if self._seen is None:
            self._seen = replace(
                self.worker.profile,
                idle_since=moment(self.idle_since),
                room=self.worker.capacity - self.load,
                worked_today=self.worked,
            )
        return self._seen

    def forget(self) -> None:
        """What matching sees is to be seen anew."""
        self._seen = None

    @property
    def occupancy(self) -> float:
        """The share of what they could have talked that they did talk."""
        return self.talked / (self.present * self.worker.capacity) if self.present else 0.0
