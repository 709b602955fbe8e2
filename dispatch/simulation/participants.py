"""The state of callers and agents during a simulation."""

from dataclasses import dataclass, replace
from functools import cached_property
from uuid import UUID

from dispatch.rules.policy import FreeAgent, WaitingTicket, capabilities
from dispatch.simulation.day import Caller, Worker, to_datetime


@dataclass
class SimulatedTicket:
    """The state of a caller. In the end they were served, left, or waited until closing."""

    caller: Caller
    #: The ticket as matching sees it now, with lowered levels and the agents who had offers.
    ticket_input: WaitingTicket
    served_at: float | None = None
    left_at: float | None = None
    agent: UUID | None = None
    #: True if the agent who served them met the levels first required.
    fits: bool = False
    offers: int = 0
    #: The offers among these that another agent took.
    taken: int = 0
    #: True once the ticket is served, or closed because they left.
    closed: bool = False
    #: True if they had left when an agent accepted.
    in_vain: bool = False

    @property
    def is_over(self) -> bool:
        return self.served_at is not None or self.left_at is not None


@dataclass
class SimulatedAgent:
    """The state of an agent."""

    worker: Worker
    idle_since: float = 0.0
    worked: int = 0
    on_shift: bool = False
    #: Pending offers and conversations.
    load: int = 0
    talking: int = 0
    #: The highest `talking`, and the seconds of all conversations, parallel ones counted each.
    max_talking: int = 0
    talked: float = 0.0
    #: Since when the agent is on shift or finishing; and the seconds of earlier presence.
    present_since: float | None = None
    present: float = 0.0
    #: The free places counted in the scarcity meter.
    room: int = 0
    _seen: FreeAgent | None = None

    @cached_property
    def capabilities(self) -> list[str]:
        return capabilities(self.worker.profile.languages, self.worker.profile.skills)

    @property
    def id(self) -> UUID:
        return self.worker.profile.id

    @property
    def agent_input(self) -> FreeAgent:
        """The agent as input for matching, cached until `invalidate`."""
        if self._seen is None:
            self._seen = replace(
                self.worker.profile,
                idle_since=to_datetime(self.idle_since),
                room=self.worker.capacity - self.load,
                worked_today=self.worked,
            )
        return self._seen

    def invalidate(self) -> None:
        """Drop the cached `agent_input`."""
        self._seen = None

    @property
    def occupancy(self) -> float:
        """Seconds of conversation over capacity times presence, from 0 to 1."""
        return self.talked / (self.present * self.worker.capacity) if self.present else 0.0
