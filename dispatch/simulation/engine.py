"""A day played: events in the order of their time, and a wave after each moment.

What the product does between waves is done here as it does it there: a wave sees the longest idle
of those able, an offer holds a place, whoever is slow to answer is joined by another, levels asked
for are lowered with the wait. Waves take no time.
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
from dispatch.simulation.day import SimulatedDay, moment
from dispatch.simulation.participants import SimulatedAgent, SimulatedTicket
from dispatch.simulation.scarcity_meter import ScarcityMeter
from dispatch.simulation.strategies import PairingRule

#: Seconds an offer lasts on the screen.
OFFER_LASTS = 60.0
#: After so many seconds a client gives up; until then those who left without a word stand in line.
GIVEN_UP_AFTER = 180.0
#: So many seconds somebody who finds nobody is held up.
IN_VAIN = 60.0


class Simulation:
    """One day under one way of pairing."""

    def __init__(self, day: SimulatedDay, pairing: PairingRule) -> None:
        self.day, self.pairing = day, pairing
        self.visits = {each.ticket.id: SimulatedTicket(each, each.ticket) for each in day.callers}
        self.seats = {each.profile.id: SimulatedAgent(each) for each in day.workers}
        self.line: defaultdict[Hashable, dict[UUID, WaitingTicket]] = defaultdict(dict)
        self.free: set[UUID] = set()
        self.scarcity = ScarcityMeter(day.usual)
        self.acceptance = Acceptance()
        self._news = False
        self._events: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self._order = count()

    def run(self) -> "Simulation":
        """Play it to the end, which is when nothing is left to happen."""
        for visit in self.visits.values():
            self._at(visit.caller.arrives, self._arrive, visit)
        for seat in self.seats.values():
            for span in seat.worker.spans:
                self._at(span.begins, self._come, seat)
                self._at(span.ends, self._go, seat)
        while self._events:
            now = self._events[0][0]
            while self._events and self._events[0][0] == now:
                _, _, happens, about = heappop(self._events)
                happens(now, *about)
            self._wave(now)
        return self

    def _at(self, when: float, happens: Callable[..., None], *about: Any) -> None:
        if when < inf:
            heappush(self._events, (when, next(self._order), happens, about))

    def _arrive(self, now: float, visit: SimulatedTicket) -> None:
        self._queue(visit)
        self.scarcity.come(now)
        self._at(now + visit.caller.leaves_after, self._leave, visit)
        for after, needs in self.pairing.lowering(visit.caller):
            self._at(now + after, self._lower, visit, needs)

    def _queue(self, visit: SimulatedTicket) -> None:
        self.line[visit.ticket.lane][visit.ticket.id] = visit.ticket
        self._news = True

    def _unqueue(self, visit: SimulatedTicket) -> bool:
        """Whether they were in line."""
        lane = visit.ticket.lane
        was = self.line[lane].pop(visit.ticket.id, None) is not None
        if not self.line[lane]:
            del self.line[lane]
        return was

    def _rewrite(self, visit: SimulatedTicket, **changes: Any) -> None:
        """What is known of a ticket changes; in line it keeps its place."""
        in_line = self._unqueue(visit)
        visit.ticket = replace(visit.ticket, **changes)
        if in_line:
            self._queue(visit)

    def _lower(self, now: float, visit: SimulatedTicket, needs: Mapping[str, int]) -> None:
        if not visit.closed and visit.ticket.skills != needs:
            self._rewrite(visit, skills=needs)

    def _leave(self, now: float, visit: SimulatedTicket) -> None:
        if visit.over:
            return
        visit.left_at = now
        if visit.caller.silent and (stays := visit.caller.arrives + GIVEN_UP_AFTER) > now:
            self._at(stays, self._close, visit)
        else:
            self._close(now, visit)

    def _close(self, now: float, visit: SimulatedTicket) -> None:
        """Nobody is asked for them any more."""
        if not visit.closed:
            visit.closed = True
            self._unqueue(visit)
            self._withdraw(now, visit)

    def _come(self, now: float, seat: SimulatedAgent) -> None:
        seat.here = True
        seat.since = now if seat.since is None else seat.since
        seat.idle_since = now
        self._change(seat)

    def _go(self, now: float, seat: SimulatedAgent) -> None:
        """Nothing new; what they are in they finish."""
        seat.here = False
        self._part(now, seat)
        self._change(seat)

    def _part(self, now: float, seat: SimulatedAgent) -> None:
        """They are present until the last conversation they took is over."""
        if not seat.here and not seat.talking and seat.since is not None:
            seat.present += now - seat.since
            seat.since = None

    def _change(self, seat: SimulatedAgent) -> None:
        """Where an agent stands has changed."""
        seat.forget()
        room = seat.worker.capacity - seat.load if seat.here else 0
        self.scarcity.change(seat.capabilities, room - seat.room)
        seat.room = room
        if room:
            self.free.add(seat.id)
            self._news = True
        else:
            self.free.discard(seat.id)

    def _wave(self, now: float) -> None:
        """Only where something is new: the wave before left nobody waiting who could be served."""
        if not self._news:
            return
        self._news = False
        waiting: list[WaitingTicket] = []
        chosen: set[UUID] = set()
        for queue in self.line.values():
            tickets = queue.values()
            if able := self.day.able(next(iter(tickets))) & self.free:
                # As in a real wave: a ticket all of them passed on hides nobody behind it.
                served = [
                    ticket for ticket in tickets if able - ticket.declined_by - ticket.offered_to
                ]
                waiting += nsmallest(len(able), served, key=self.pairing.turn)
                chosen.update(self._longest_idle(able, tickets))
        if waiting:
            free = list(self._seen(now, chosen))
            for ticket, agent in self.pairing.pairs(waiting, free, moment(now)):
                self._ask(now, self.visits[ticket], self.seats[agent])

    def _seen(self, now: float, chosen: Iterable[UUID]) -> Iterator[FreeAgent]:
        """The agents as matching sees them, how rare what they can do among it."""
        self.scarcity.look(now)
        for agent in chosen:
            seat = self.seats[agent]
            if self.pairing.looks_ahead:
                yield replace(seat.able, scarcity=self.scarcity.of(seat.capabilities))
            else:
                yield seat.able

    def _longest_idle(
        self, able: frozenset[UUID], queue: Iterable[WaitingTicket]
    ) -> Iterable[UUID]:
        """As many as a wave looks at; those who passed don't hide the others."""
        many = MAX_CHOICE + sum(
            1 + len(ticket.declined_by) + len(ticket.offered_to) for ticket in queue
        )
        if len(able) <= many:
            return able
        return nsmallest(many, able, key=lambda agent: self.seats[agent].idle_since)

    def _ask(self, now: float, visit: SimulatedTicket, seat: SimulatedAgent) -> None:
        self._unqueue(visit)
        answers = visit.caller.answers
        answer = answers[min(visit.asked, len(answers) - 1)]
        visit.asked += 1
        seat.load += 1
        self._change(seat)
        if answer.yes and not answer.after:
            self._begin(now, visit, seat)
            return
        visit.ticket = replace(visit.ticket, offered_to=visit.ticket.offered_to | {seat.id})
        after = OFFER_LASTS if answer.yes is None else min(answer.after, OFFER_LASTS)
        self._at(now + after, self._answer, visit, seat, answer.yes)
        if len(visit.ticket.offered_to) < self.pairing.policy.max_parallel_offers:
            self._at(now + self._alone_for(now, visit), self._ask_further, visit, seat)

    def _alone_for(self, now: float, visit: SimulatedTicket) -> float:
        """For how long the newest who was asked has it alone."""
        if self.pairing.two_at_once_below and len(visit.ticket.offered_to) == 1:
            share = self.acceptance.share(visit.ticket, at=now)
            if share is not None and share < self.pairing.two_at_once_below:
                return 0.0
        return self.pairing.policy.exclusive_for

    def _ask_further(self, now: float, visit: SimulatedTicket, seat: SimulatedAgent) -> None:
        if not visit.closed and seat.id in visit.ticket.offered_to:
            self._queue(visit)

    def _answer(
        self, now: float, visit: SimulatedTicket, seat: SimulatedAgent, yes: bool | None
    ) -> None:
        if seat.id not in visit.ticket.offered_to:
            return
        self.acceptance.count(visit.ticket, yes=bool(yes), at=now)
        self._rewrite(visit, offered_to=visit.ticket.offered_to - {seat.id})
        if yes:
            self._unqueue(visit)
            visit.taken += len(visit.ticket.offered_to)
            self._withdraw(now, visit)
            self._begin(now, visit, seat)
            return
        seat.load -= 1
        self._change(seat)
        group = "timed_out_by" if yes is None else "declined_by"
        self._rewrite(visit, **{group: getattr(visit.ticket, group) | {seat.id}})
        self._queue(visit)

    def _withdraw(self, now: float, visit: SimulatedTicket) -> None:
        """Whoever still has it on the screen is free again, and keeps their place in line."""
        for agent in visit.ticket.offered_to:
            seat = self.seats[agent]
            seat.load -= 1
            self._change(seat)
        visit.ticket = replace(visit.ticket, offered_to=frozenset())

    def _begin(self, now: float, visit: SimulatedTicket, seat: SimulatedAgent) -> None:
        """The conversation begins; their place was taken when they were asked."""
        visit.closed = True
        if visit.left_at is not None:
            self._find_nobody(now, visit, seat)
            return
        visit.served_at, visit.agent = now, seat.id
        wanted = visit.caller.ticket.skills.items()
        visit.fits = all(
            seat.worker.profile.skills.get(skill, 0) >= level for skill, level in wanted
        )
        talks = visit.caller.talks * (1.0 if visit.fits else self.day.slower)
        seat.talking += 1
        seat.most = max(seat.most, seat.talking)
        seat.talked += talks
        seat.worked += 1
        self._change(seat)
        self._at(now + talks, self._finish, seat)

    def _find_nobody(self, now: float, visit: SimulatedTicket, seat: SimulatedAgent) -> None:
        """The customer left without a word: the agent waits for a while and closes the ticket."""
        visit.in_vain = True
        seat.talking += 1
        self._change(seat)
        self._at(now + IN_VAIN, self._finish, seat)

    def _finish(self, now: float, seat: SimulatedAgent) -> None:
        seat.talking -= 1
        seat.load -= 1
        self._part(now, seat)
        seat.idle_since = now
        self._change(seat)
