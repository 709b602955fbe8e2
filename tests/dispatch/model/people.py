"""The steps of people: customers, agents and coordinators."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from agents import presence, roster
from agents.models import Agent
from dispatch import assignments, offers, policies
from dispatch.models import Assignment, Offer, PolicyVersion
from dispatch.waves import wave
from tests.dispatch.model import invariants
from tests.dispatch.model.base import MOSTLY, NTH, SELDOM, StateMachine
from tests.dispatch.model.world import Broken
from tickets import lifecycle
from tickets.models import Ticket

CUSTOMERS = st.integers(0, 3)
Verbs = dict[Any, Callable[[datetime], Any]]


class People(StateMachine):
    """Each rule is one person's step. Most are also tried by people who may not do it."""

    # Customers and their bot.

    @rule(
        key=st.integers(0, 9), customer=CUSTOMERS, french=SELDOM, level=st.sampled_from([0, 0, 3])
    )
    def escalate(self, key: int, customer: int, french: bool, level: int) -> None:
        language = "fr" if french else "en"
        self.send_escalation(key=key, customer=customer, language=language, level=level)

    @precondition(lambda self: self.before.tickets)
    @rule(which=NTH, word=st.integers(0, 2), foreign=SELDOM, leaves=SELDOM)
    def customer_acts(self, which: int, word: int, foreign: bool, leaves: bool) -> None:
        """S12: another client's ticket is not found."""
        ticket = self.newest_ticket(which)
        said = json.dumps({"client_message_id": f"m{word}", "text": f"Word {word}"}).encode()
        bot = self.rival if foreign else self.bot
        act, body = ("cancel", b"{}") if leaves else ("messages", said)
        answer = self.post(bot, f"tickets/{ticket}/{act}", body)
        if foreign and answer is not None and answer.status_code != 404:
            raise Broken("S12 another client's ticket was reached")

    @rule(mood=st.sampled_from(["up", "down", "deaf"]))
    def bot_changes(self, mood: str) -> None:
        self.world.bot.mood = mood

    # Agents.

    @precondition(lambda self: self.before.offers)
    @rule(acks=st.lists(st.tuples(NTH, MOSTLY), min_size=1, max_size=3), roll=st.booleans())
    def screens_show(self, acks: list[tuple[int, bool]], roll: bool) -> None:
        """Report offers as shown: late, twice, or from another agent's page."""
        shown = [self._pick_shown(*ack) for ack in acks]
        own = {pk for pk, agent in shown if str(agent) == self.before.offers[str(pk)][1]}

        def show(at: datetime) -> None:
            ids = offers.show(shown, at=at)
            if roll:
                offers.auto_accept(ids, at=at)

        self.world.act(show)
        after = invariants.read_state()
        for pk, agent in shown:
            was, now = self.before.offers[str(pk)][2], after.offers[str(pk)][2]
            if pk not in own and (was, now) == ("sent", "shown"):
                raise Broken(f"S12 {agent} showed another agent's offer: {pk}")

    @precondition(lambda self: self.before.offers)
    @rule(which=NTH, lag=SELDOM, last=st.sampled_from([None, None, -1, 0, 1]))
    def accept(self, which: int, lag: bool, last: int | None = None) -> None:
        """Accept now, or this many seconds after the expiry."""
        offer = self._offer(which)
        if last is not None and offer.is_pending:
            self.world.pass_time(max((offer.expires_at - self.world.now).total_seconds() + last, 0))
        self.world.act(lambda at: offers.accept(offer, at=at), lag=lag)

    @precondition(lambda self: self.before.tickets)
    @rule(wait_first=st.booleans())
    def reach_a_conversation(self, wait_first: bool) -> None:
        """Run a wave, then show and accept the newest offer."""
        self.world.act(lambda at: wave.run(at=at))
        self.check_rows()
        if self.before.offers:
            self.screens_show([(0, True)], roll=False)
            self.check_rows()
            self.world.pass_time(5 if wait_first else 0)
            self.accept(0, lag=False)

    @precondition(lambda self: self.before.offers)
    @rule(which=NTH, because=st.sampled_from(["", "", *offers.REASONS]), afterwards=SELDOM)
    def decline(self, which: int, because: str, afterwards: bool) -> None:
        offer = self._offer(which)
        if afterwards:
            self.world.act(lambda at: offers.record_reason(offer, because=because))
        else:
            self.world.act(lambda at: offers.decline(offer, because=because, at=at))

    @precondition(lambda self: self.before.assignments)
    @rule(which=NTH, word=st.integers(0, 1), twice=SELDOM)
    def say(self, which: int, word: int, twice: bool) -> None:
        held = self._assignment(which)

        def speak(at: datetime) -> None:
            for _ in range(2 if twice else 1):
                assignments.say(
                    held, text="Hello", client_message_id=f"{word}", sent_by=held.agent.user, at=at
                )

        said = self.before.tickets[str(held.ticket_id)][3]
        self.world.act(speak)
        if invariants.read_state().tickets[str(held.ticket_id)][3] > said + self._is_current(held):
            raise Broken(f"S4 an agent without the ticket wrote, or twice: {held.pk}")

    @precondition(lambda self: self.before.assignments)
    @rule(
        which=NTH,
        how=st.sampled_from(["resolve", "resolve", "abusive", "other", "finish", "finish"]),
        lag=SELDOM,
    )
    def close(self, which: int, how: str, lag: bool) -> None:
        """End the conversation or its wrap-up, by an agent who has or had the ticket."""
        held = self._assignment(which)
        verbs: Verbs = {
            "resolve": lambda at: assignments.resolve(held, disposition="solved", at=at),
            "finish": lambda at: assignments.finish(held, at=at),
        }
        hand_back = lambda at: assignments.hand_back(held, reason=how, at=at)  # noqa: E731
        answer = self.world.act(verbs.get(how, hand_back), lag=lag)
        if how != "finish" and answer is None and not self._is_current(held):
            raise Broken(f"S4 an agent without the ticket ended it: {held.pk}")

    @rule(
        who=NTH,
        how=st.sampled_from(["available", "available", "away", "offline", "closed", "open", 0, 1]),
    )
    def attend(self, who: int, how: str | int) -> None:
        """Set the presence, open or close the page, or set auto-accept (0 is off)."""
        agent = self.pick_agent(who)
        verbs: Verbs = {
            "available": lambda at: presence.go_available(agent, at=at),
            "away": lambda at: presence.go_away(agent, at=at),
            "offline": lambda at: presence.go_offline(agent, at=at),
            0: lambda at: presence.set_auto_accept(agent, on=False, limit=1),
            1: lambda at: presence.set_auto_accept(agent, on=True, limit=1),
        }
        if how == "closed":
            self.open_pages.discard(agent.pk)
        else:
            self.open_pages.add(agent.pk)
        if how in verbs:
            self.world.act(verbs[how])

    # Coordinators.

    @precondition(lambda self: self.before.offers)
    @rule(which=NTH, how=st.sampled_from(["withdraw", "take away", "hand back", "give up"]))
    def step_in(self, which: int, how: str) -> None:
        offer = self._offer(which)
        ticket = Ticket.objects.get(pk=self.newest_ticket(which))
        verbs: Verbs = {
            "withdraw": lambda at: offers.withdraw(offer, at=at),
            "hand back": lambda at: lifecycle.hand_back(ticket, reason="supervisor", at=at),
            "give up": lambda at: lifecycle.give_up(ticket, reason="no_agent", at=at),
        }
        if how == "take away" and self.before.assignments:
            held = self._assignment(which)
            verbs[how] = lambda at: assignments.lose(held, at=at)
        if how in verbs:
            self.world.act(verbs[how])

    @rule(who=NTH, how=st.sampled_from(["restrict", "approve", "approve", 1, 2, 3]))
    def change_agent(self, who: int, how: str | int) -> None:
        """Change an agent's approval or capacity."""
        agent = self.pick_agent(who)
        verbs: Verbs = {
            "restrict": lambda at: roster.restrict(agent, at=at),
            "approve": lambda at: roster.approve(agent),
        }
        limit = lambda at: roster.set_capacity(agent, capacity=int(how))  # noqa: E731
        self.world.act(verbs.get(how, limit))

    @rule(alone=st.sampled_from([5, 20]), most=st.integers(1, 3))
    def publish_policy(self, alone: int, most: int) -> None:
        draft = PolicyVersion(
            note="Tried.", exclusive_for=alone, max_parallel_offers=most, lower_levels_at=[150]
        )
        self.world.act(lambda at: policies.publish(draft, at=at))

    def _pick_shown(self, which: int, own: bool) -> tuple[UUID, UUID]:
        offer = self.newest_offer(which)
        mine = self.before.offers[offer][1]
        others = [agent for agent in self.before.agents if agent != mine]
        return UUID(offer), UUID(mine if own or not others else others[0])

    def pick_agent(self, who: int) -> Agent:
        return self.agents[who % len(self.agents)]

    def _offer(self, which: int) -> Offer:
        rows = Offer.objects.select_related("ticket", "agent")
        return rows.get(pk=self.newest_offer(which))

    def _assignment(self, which: int) -> Assignment:
        rows = Assignment.objects.select_related("ticket", "agent__user")
        return rows.get(pk=self.newest_assignment(which))

    def _is_current(self, held: Assignment) -> bool:
        return self.before.is_current(str(held.pk))
