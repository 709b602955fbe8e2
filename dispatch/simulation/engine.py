"""A discrete-event simulation of a day: events in the order of time, and a wave after each moment.

It follows the product: a wave reads the longest idle agents who can serve a lane, an offer holds a
place, a ticket is offered to a second agent if the first is slow to answer, and required levels
drop with the wait. Waves take no time.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import replace
from heapq import heappop, heappush, nsmallest
from itertools import count
from math import inf
from typing import Any
from uuid import UUID

from dispatch.rules.limits import MAX_CHOICE
from dispatch.rules.policy import FreeAgent, WaitingTicket
from dispatch.simulation.acceptance import Acceptance
from dispatch.simulation.day import SimulatedDay, to_datetime
from dispatch.simulation.participants import SimulatedAgent, SimulatedTicket
from dispatch.simulation.scarcity_meter import ScarcityMeter
from dispatch.simulation.strategies import PairingRule

#: Seconds an agent has to answer an offer.
OFFER_LASTS = 60.0
#: The client gives up on a ticket after this many seconds. Silent callers stay queued until then.
GIVEN_UP_AFTER = 180.0
#: Seconds an agent loses on a conversation whose customer has left.
IN_VAIN = 60.0


class Simulation:
    """One day under one pairing rule."""

    def __init__(self, day: SimulatedDay, rule: PairingRule) -> None:
        self.day, self.rule = day, rule
        self.tickets = {each.ticket.id: SimulatedTicket(each, each.ticket) for each in day.callers}
        self.agents = {each.profile.id: SimulatedAgent(each) for each in day.workers}
        self.queues: defaultdict[Hashable, dict[UUID, WaitingTicket]] = defaultdict(dict)
        self.free: set[UUID] = set()
        self.scarcity = ScarcityMeter(day.usual)
        self.acceptance = Acceptance()
        self._has_changed = False
        self._events: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self._order = count()

    def run(self) -> "Simulation":
        """Run all events to the end of the day, and return itself."""
        for ticket in self.tickets.values():
            self._schedule(ticket.caller.arrives, self._arrive, ticket)
        for agent in self.agents.values():
            for span in agent.worker.spans:
                self._schedule(span.begins, self._begin_shift, agent)
                self._schedule(span.ends, self._end_shift, agent)
        while self._events:
            now = self._events[0][0]
            while self._events and self._events[0][0] == now:
                _, _, handle, arguments = heappop(self._events)
                handle(now, *arguments)
            self._run_wave(now)
        return self

    def _schedule(self, when: float, handle: Callable[..., None], *arguments: Any) -> None:
        if when < inf:
            heappush(self._events, (when, next(self._order), handle, arguments))

    def _arrive(self, now: float, ticket: SimulatedTicket) -> None:
        self._queue(ticket)
        self.scarcity.record_arrival(now)
        self._schedule(now + ticket.caller.leaves_after, self._leave, ticket)
        for after, needs in self.rule.lowering(ticket.caller):
            self._schedule(now + after, self._lower, ticket, needs)

    def _queue(self, ticket: SimulatedTicket) -> None:
        self.queues[ticket.ticket_input.lane][ticket.ticket_input.id] = ticket.ticket_input
        self._has_changed = True

    def _unqueue(self, ticket: SimulatedTicket) -> bool:
        """Take a ticket out of its queue. True if it was queued."""
        lane = ticket.ticket_input.lane
        was = self.queues[lane].pop(ticket.ticket_input.id, None) is not None
        if not self.queues[lane]:
            del self.queues[lane]
        return was

    def _rewrite(self, ticket: SimulatedTicket, **changes: Any) -> None:
        """Change a ticket's inputs; it keeps its place in the queue."""
        in_line = self._unqueue(ticket)
        ticket.ticket_input = replace(ticket.ticket_input, **changes)
        if in_line:
            self._queue(ticket)

    def _lower(self, now: float, ticket: SimulatedTicket, needs: Mapping[str, int]) -> None:
        if not ticket.closed and ticket.ticket_input.skills != needs:
            self._rewrite(ticket, skills=needs)

    def _leave(self, now: float, ticket: SimulatedTicket) -> None:
        if ticket.is_over:
            return
        ticket.left_at = now
        if ticket.caller.silent and (stays := ticket.caller.arrives + GIVEN_UP_AFTER) > now:
            self._schedule(stays, self._close, ticket)
        else:
            self._close(now, ticket)

    def _close(self, now: float, ticket: SimulatedTicket) -> None:
        """Close the ticket and withdraw its offers."""
        if not ticket.closed:
            ticket.closed = True
            self._unqueue(ticket)
            self._withdraw(now, ticket)

    def _begin_shift(self, now: float, agent: SimulatedAgent) -> None:
        agent.on_shift = True
        agent.present_since = now if agent.present_since is None else agent.present_since
        agent.idle_since = now
        self._update_agent(agent)

    def _end_shift(self, now: float, agent: SimulatedAgent) -> None:
        """The agent takes nothing new, and finishes the conversations they are in."""
        agent.on_shift = False
        self._end_presence(now, agent)
        self._update_agent(agent)

    def _end_presence(self, now: float, agent: SimulatedAgent) -> None:
        """The presence of an agent off shift ends with their last conversation."""
        if not agent.on_shift and not agent.talking and agent.present_since is not None:
            agent.present += now - agent.present_since
            agent.present_since = None

    def _update_agent(self, agent: SimulatedAgent) -> None:
        """Recompute the room of an agent whose load or shift has changed."""
        agent.invalidate()
        room = agent.worker.capacity - agent.load if agent.on_shift else 0
        self.scarcity.add_places(agent.capabilities, room - agent.room)
        agent.room = room
        if room:
            self.free.add(agent.id)
            self._has_changed = True
        else:
            self.free.discard(agent.id)

    def _run_wave(self, now: float) -> None:
        """Match, if anything has changed since the last wave, which served all tickets it could."""
        if not self._has_changed:
            return
        self._has_changed = False
        waiting: list[WaitingTicket] = []
        chosen: set[UUID] = set()
        for queue in self.queues.values():
            tickets = queue.values()
            if able := self.day.find_able(next(iter(tickets))) & self.free:
                # As in a real wave, a ticket that all these agents passed on takes no one's turn.
                served = [
                    ticket for ticket in tickets if able - ticket.declined_by - ticket.offered_to
                ]
                waiting += nsmallest(len(able), served, key=self.rule.sort_key)
                chosen.update(self._select_longest_idle(able, tickets))
        if waiting:
            free = list(self._build_inputs(now, chosen))
            for ticket_id, agent_id in self.rule.pair(waiting, free, to_datetime(now)):
                self._offer(now, self.tickets[ticket_id], self.agents[agent_id])

    def _build_inputs(self, now: float, chosen: Iterable[UUID]) -> Iterator[FreeAgent]:
        """The agents as input for matching, with scarcity if the strategy uses it."""
        self.scarcity.start_wave(now)
        for agent_id in chosen:
            agent = self.agents[agent_id]
            if self.rule.uses_scarcity:
                yield replace(agent.agent_input, scarcity=self.scarcity.measure(agent.capabilities))
            else:
                yield agent.agent_input

    def _select_longest_idle(
        self, able: frozenset[UUID], queue: Iterable[WaitingTicket]
    ) -> Iterable[UUID]:
        """The agents a wave reads. It reads one more for each who passed on a ticket."""
        many = MAX_CHOICE + sum(
            1 + len(ticket.declined_by) + len(ticket.offered_to) for ticket in queue
        )
        if len(able) <= many:
            return able
        return nsmallest(many, able, key=lambda agent_id: self.agents[agent_id].idle_since)

    def _offer(self, now: float, ticket: SimulatedTicket, agent: SimulatedAgent) -> None:
        self._unqueue(ticket)
        answers = ticket.caller.answers
        answer = answers[min(ticket.offers, len(answers) - 1)]
        ticket.offers += 1
        agent.load += 1
        self._update_agent(agent)
        if answer.yes and not answer.after:
            self._begin(now, ticket, agent)
            return
        ticket.ticket_input = replace(
            ticket.ticket_input, offered_to=ticket.ticket_input.offered_to | {agent.id}
        )
        after = OFFER_LASTS if answer.yes is None else min(answer.after, OFFER_LASTS)
        self._schedule(now + after, self._settle_offer, ticket, agent, answer.yes)
        if len(ticket.ticket_input.offered_to) < self.rule.policy.max_parallel_offers:
            self._schedule(
                now + self._exclusive_seconds(now, ticket), self._offer_further, ticket, agent
            )

    def _exclusive_seconds(self, now: float, ticket: SimulatedTicket) -> float:
        """The seconds until the ticket is offered to another agent too."""
        if self.rule.two_at_once_below and len(ticket.ticket_input.offered_to) == 1:
            share = self.acceptance.share(ticket.ticket_input, at=now)
            if share is not None and share < self.rule.two_at_once_below:
                return 0.0
        return self.rule.policy.exclusive_for

    def _offer_further(self, now: float, ticket: SimulatedTicket, agent: SimulatedAgent) -> None:
        if not ticket.closed and agent.id in ticket.ticket_input.offered_to:
            self._queue(ticket)

    def _settle_offer(
        self, now: float, ticket: SimulatedTicket, agent: SimulatedAgent, yes: bool | None
    ) -> None:
        if agent.id not in ticket.ticket_input.offered_to:
            return
        self.acceptance.count(ticket.ticket_input, yes=bool(yes), at=now)
        self._rewrite(ticket, offered_to=ticket.ticket_input.offered_to - {agent.id})
        if yes:
            self._unqueue(ticket)
            ticket.taken += len(ticket.ticket_input.offered_to)
            self._withdraw(now, ticket)
            self._begin(now, ticket, agent)
            return
        agent.load -= 1
        self._update_agent(agent)
        group = "timed_out_by" if yes is None else "declined_by"
        self._rewrite(ticket, **{group: getattr(ticket.ticket_input, group) | {agent.id}})
        self._queue(ticket)

    def _withdraw(self, now: float, ticket: SimulatedTicket) -> None:
        """Free the agents with a pending offer of this ticket; they stay as idle as before."""
        for agent_id in ticket.ticket_input.offered_to:
            agent = self.agents[agent_id]
            agent.load -= 1
            self._update_agent(agent)
        ticket.ticket_input = replace(ticket.ticket_input, offered_to=frozenset())

    def _begin(self, now: float, ticket: SimulatedTicket, agent: SimulatedAgent) -> None:
        """Begin the conversation. The offer already holds the agent's place."""
        ticket.closed = True
        if ticket.left_at is not None:
            self._close_in_vain(now, ticket, agent)
            return
        ticket.served_at, ticket.agent = now, agent.id
        wanted = ticket.caller.ticket.skills.items()
        ticket.fits = all(
            agent.worker.profile.skills.get(skill, 0) >= level for skill, level in wanted
        )
        talks = ticket.caller.talks * (1.0 if ticket.fits else self.day.slower)
        agent.talking += 1
        agent.max_talking = max(agent.max_talking, agent.talking)
        agent.talked += talks
        agent.worked += 1
        self._update_agent(agent)
        self._schedule(now + talks, self._finish, agent)

    def _close_in_vain(self, now: float, ticket: SimulatedTicket, agent: SimulatedAgent) -> None:
        """The customer has left: the agent waits IN_VAIN seconds and closes the ticket."""
        ticket.in_vain = True
        agent.talking += 1
        self._update_agent(agent)
        self._schedule(now + IN_VAIN, self._finish, agent)

    def _finish(self, now: float, agent: SimulatedAgent) -> None:
        agent.talking -= 1
        agent.load -= 1
        self._end_presence(now, agent)
        agent.idle_since = now
        self._update_agent(agent)
