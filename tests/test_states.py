"""docs/states.md is true: its states are those of the code, its arrows are what the verbs do."""

import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from agents import presence, roster
from agents.errors import AgentError
from agents.models import Agent, Presence
from dispatch import assignments, offers
from dispatch.errors import DispatchError
from dispatch.models import Assignment, Offer
from tests import factories
from tickets import clock, lifecycle
from tickets.errors import TicketError
from tickets.models import Ticket

PAGE = (Path(__file__).resolve().parent.parent / "docs" / "states.md").read_text()
ARROW = re.compile(r"^    (\S+) --> (\w+): (.+)$", re.MULTILINE)
OFTEN = 3
PAST = timedelta(minutes=5)

Arrow = tuple[str, str, str]
Verb = Callable[[Any, datetime], object]


def section(title: str) -> str:
    return PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def arrows(title: str) -> set[Arrow]:
    """The drawing's arrows, one for each verb; where a life begins is told apart."""
    return {
        (start, end, verb)
        for start, end, verbs in ARROW.findall(section(title))
        for verb in verbs.split(", ")
    }


def drawn(title: str) -> set[Arrow]:
    return {arrow for arrow in arrows(title) if arrow[0] != "[*]"}


def states(title: str) -> set[str]:
    return {end for _start, end, _verb in arrows(title)}


def walked(
    states: Iterable[str],
    verbs: Mapping[str, Verb],
    *,
    make: Callable[[str], Any],
    state_of: Callable[[Any], str],
) -> set[Arrow]:
    """What becomes of each state under each verb, where it becomes anything."""
    found = set()
    for start in states:
        for name, verb in verbs.items():
            row = make(start)
            with suppress(AgentError, DispatchError, TicketError):
                verb(row, clock.now())
            end = state_of(row)
            if end != start:
                found.add((start, end, name))
    return found


@pytest.mark.parametrize(
    ("title", "known"),
    [
        ("Ticket", set(Ticket.Status.values)),
        ("Offer", set(Offer.Status.values)),
        ("Assignment", {"talking", "finished", *Assignment.Ending.values}),
        ("Presence", set(Presence.Status.values)),
    ],
)
def test_a_drawing_has_the_states_of_the_code(title: str, known: set[str]) -> None:
    assert states(title) == known


@pytest.mark.parametrize("title", ["Ticket", "Offer", "Assignment", "Presence"])
def test_every_verb_of_a_drawing_is_explained_below_it(title: str) -> None:
    explained = set(re.findall(r"^\| `(.+?)` \|", section(title), re.MULTILINE))

    assert explained == {verb for _start, _end, verb in arrows(title)}


@pytest.mark.django_db
def test_the_drawing_of_a_ticket_shows_what_the_verbs_do() -> None:
    verbs: dict[str, Verb] = {
        "lifecycle.begin": lambda ticket, at: lifecycle.begin(ticket, agent_name="Amina", at=at),
        "lifecycle.requeue": lambda ticket, at: lifecycle.requeue(ticket, reason="", at=at),
        "lifecycle.resolve": lambda ticket, at: lifecycle.resolve(ticket, disposition="", at=at),
        "lifecycle.hand_back": lambda ticket, at: lifecycle.hand_back(ticket, reason="", at=at),
        "lifecycle.give_up": lambda ticket, at: lifecycle.give_up(ticket, at=at),
        "lifecycle.abandon": lambda ticket, at: lifecycle.abandon(ticket, reason="", at=at),
    }

    found = walked(Ticket.Status.values, verbs, make=a_ticket, state_of=status_of)

    assert found == drawn("Ticket")


@pytest.mark.django_db
def test_the_drawing_of_an_offer_shows_what_the_verbs_do() -> None:
    verbs: dict[str, Verb] = {
        "offers.show": lambda offer, at: offers.show([(offer.pk, offer.agent_id)], at=at),
        "offers.accept": lambda offer, at: offers.accept(offer, at=at),
        "offers.accept of another": accept_another,
        "offers.decline": lambda offer, at: offers.decline(offer, at=at),
        "offers.expire_overdue": expire,
        "offers.withdraw": lambda offer, at: offers.withdraw(offer, at=at),
        "offers.withdraw_for": lambda offer, at: offers.withdraw_for(offer.ticket, at=at),
        "offers.withdraw_from": lambda offer, at: offers.withdraw_from(offer.agent, at=at),
    }

    found = walked(Offer.Status.values, verbs, make=an_offer, state_of=status_of)

    assert found == drawn("Offer")


@pytest.mark.django_db
def test_the_drawing_of_an_assignment_shows_what_the_verbs_do() -> None:
    verbs: dict[str, Verb] = {
        "assignments.resolve": lambda work, at: assignments.resolve(work, disposition="", at=at),
        "assignments.hand_back": lambda work, at: assignments.hand_back(work, reason="", at=at),
        "assignments.finish": lambda work, at: assignments.finish(work, at=at),
        "assignments.finish_overdue": finish_overdue,
        "assignments.lose": lambda work, at: assignments.lose(work, at=at),
        "lifecycle.hand_back": lambda work, at: lifecycle.hand_back(work.ticket, reason="", at=at),
        "lifecycle.abandon": lambda work, at: lifecycle.abandon(work.ticket, reason="", at=at),
    }

    found = walked(states("Assignment"), verbs, make=an_assignment, state_of=stage_of)

    assert found == drawn("Assignment")


@pytest.mark.django_db
def test_the_drawing_of_presence_shows_what_the_verbs_do() -> None:
    verbs: dict[str, Verb] = {
        "presence.go_available": lambda agent, at: presence.go_available(agent, at=at),
        "presence.go_away": lambda agent, at: presence.go_away(agent, at=at),
        "presence.go_offline": lambda agent, at: presence.go_offline(agent, at=at),
        "presence.sweep_silent": fall_silent,
        "presence.record_timeouts": lambda agent, at: [
            presence.record_timeouts([agent.pk], at=at) for _ in range(OFTEN)
        ],
        "roster.restrict": lambda agent, at: roster.restrict(agent, at=at),
    }

    found = walked(Presence.Status.values, verbs, make=an_agent, state_of=read_presence)

    assert found == drawn("Presence")


def status_of(row: Ticket | Offer) -> str:
    row.refresh_from_db()
    return row.status


def read_presence(agent: Agent) -> str:
    return factories.read_presence(agent).status


def stage_of(work: Assignment) -> str:
    """The state docs/states.md derives from an assignment's columns."""
    work.refresh_from_db()
    if work.ending == Assignment.Ending.LOST:
        return work.ending
    return "finished" if work.finished_at else work.ending or "talking"


def a_ticket(status: str) -> Ticket:
    ticket = factories.make_ticket()
    closed_at = None if status in Ticket.OPEN else clock.now()
    Ticket.objects.filter(pk=ticket.pk).update(status=status, closed_at=closed_at)
    return ticket


def an_offer(status: str) -> Offer:
    """An offer that came to this status by the verb that is known to lead there."""
    offer, at = factories.make_offer(), clock.now()
    if status == Offer.Status.ACCEPTED:
        offers.accept(offer, at=at)
    elif status == Offer.Status.SHOWN:
        offers.show([(offer.pk, offer.agent_id)], at=at)
    elif status != Offer.Status.SENT:
        Offer.objects.filter(pk=offer.pk).update(status=status, settled_at=at, shown_at=at)
    return offer


def an_assignment(stage: str) -> Assignment:
    work, at = factories.make_assignment(), clock.now()
    if stage in ("resolved", "finished"):
        assignments.resolve(work, disposition="", at=at)
    if stage == "finished":
        assignments.finish(work, at=at)
    if stage == "handed_back":
        assignments.hand_back(work, reason="", at=at)
    if stage == "abandoned":
        lifecycle.abandon(work.ticket, reason="", at=at)
    if stage == "lost":
        assignments.lose(work, at=at)
    return Assignment.objects.get(pk=work.pk)


def an_agent(status: str) -> Agent:
    agent = factories.make_agent(available=status != "offline")
    if status == "away":
        presence.go_away(agent, at=clock.now())
    return agent


def accept_another(offer: Offer, at: datetime) -> None:
    """Another agent who was offered the same ticket is quicker."""
    other = factories.make_offer(offer.ticket, factories.make_agent("Bea"), slot=1)
    offers.accept(other, at=at)


def expire(offer: Offer, at: datetime) -> None:
    """The database lets no accepted offer be overdue."""
    made = Offer.objects.filter(pk=offer.pk).exclude(status=Offer.Status.ACCEPTED)
    made.update(expires_at=at - PAST)
    offers.expire_overdue(at=at)


def finish_overdue(work: Assignment, at: datetime) -> None:
    wrapping_up = Assignment.objects.wrapping_up().filter(pk=work.pk)
    wrapping_up.update(wrap_up_by=at - timedelta(seconds=1))
    assignments.finish_overdue(at=at)


def fall_silent(agent: Agent, at: datetime) -> None:
    Presence.objects.filter(agent=agent).update(seen_at=at - PAST)
    presence.sweep_silent(at=at)
