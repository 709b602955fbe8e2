"""Overbooking, the disease of live chat: many at once, and an agent holds more than their limit.

Three hundred agents with a limit of one, and sixteen clients at once who escalate, match, accept
and finish by the verbs the platform itself uses, while an onlooker counts what each agent holds.
"""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pytest
from django.db import connection
from django.db.models import Model, QuerySet

from agents.models import Presence
from dispatch import assignments, offers
from dispatch.errors import DispatchError
from dispatch.models import Assignment, Offer
from dispatch.waves import wave
from tests import factories
from tickets import clock
from tickets.errors import TicketError

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_worker")]

AGENTS, CLIENTS = 300, 16
#: More wait than there are places, so that every free agent is fought over.
WAITING = 310
#: They go on until so many offers were made: all agents are asked, and many again.
ENOUGH = 350
#: But no longer than this, in seconds. Long, for a busy machine is no failure.
LONGEST = 60.0
#: Between two looks, in seconds.
PAUSE = 0.005

Row = TypeVar("Row", bound=Model)

# One statement sees one moment: nothing can move from an offer to an assignment while it looks.
HELD = """
SELECT agent_id, count(*) FROM (
    SELECT agent_id FROM dispatch_offer WHERE settled_at IS NULL
    UNION ALL
    SELECT agent_id FROM dispatch_assignment WHERE finished_at IS NULL
) held GROUP BY agent_id
"""


def held() -> dict[str, int]:
    """How many pending offers and unfinished assignments each agent has at this moment."""
    with connection.cursor() as cursor:
        cursor.execute(HELD)
        return dict(cursor.fetchall())


def escalate(_chance: random.Random) -> None:
    factories.make_ticket(language="en")


def match(_chance: random.Random) -> None:
    wave.run(at=clock.now())


def accept(chance: random.Random) -> None:
    """Whatever is offered, whoever else may be accepting it."""
    for offer in some(Offer.objects.pending(), chance):
        offers.accept(offer, at=clock.now())


def finish(chance: random.Random) -> None:
    """A conversation ends and so does its wrap-up: the agent has a place again."""
    for one in some(Assignment.objects.talking(), chance):
        assignments.resolve(one, disposition="solved", at=clock.now())
        assignments.finish(one, at=clock.now())


def some(rows: QuerySet[Row], chance: random.Random) -> list[Row]:
    """A few of the first, so that clients now and then choose the same."""
    found = list(rows[:40])
    return chance.sample(found, min(4, len(found)))


TURNS = (escalate, match, match, accept, accept, finish)


def client(number: int, over: threading.Event) -> Counter[str]:
    """One of the sixteen: acts at random until it is over. Refusals are part of the game."""
    chance, acts = random.Random(number), Counter[str]()
    try:
        while not over.is_set():
            acts[act(chance.choice(TURNS), chance)] += 1
    finally:
        connection.close()
    return acts


def act(turn: Callable[[random.Random], None], chance: random.Random) -> str:
    try:
        turn(chance)
    except (DispatchError, TicketError):
        return "refused"
    return turn.__name__


def onlooker(over: threading.Event) -> list[dict[str, int]]:
    """What everybody held, time and again, until there was enough of it."""
    seen, ends = [], time.monotonic() + LONGEST
    try:
        while time.monotonic() < ends and Offer.objects.count() < ENOUGH:
            seen.append(held())
            over.wait(PAUSE)
    finally:
        over.set()
        connection.close()
    return seen


def test_no_agent_ever_holds_more_than_their_limit(capsys: pytest.CaptureFixture[str]) -> None:
    factories.make_card()
    for _ in range(AGENTS):
        factories.make_agent(capacity=1)
    for _ in range(WAITING):
        factories.make_ticket()
    over = threading.Event()

    with ThreadPoolExecutor(CLIENTS + 1) as threads:
        watching = threads.submit(onlooker, over)
        playing = [threads.submit(client, number, over) for number in range(CLIENTS)]
        moments = [*watching.result(), held()]
        acts = sum((one.result() for one in playing), Counter[str]())
        moments.append(held())

    overbooked = {agent for moment in moments for agent, count in moment.items() if count > 1}
    with capsys.disabled():
        print(
            f"\n{len(overbooked)} of {AGENTS} agents overbooked in {len(moments)} looks at"
            f" {CLIENTS} clients at once: {Offer.objects.count()} offers, {dict(acts)}"
        )
    assert overbooked == set()
    loads = Presence.objects.filter(load__gt=0).values_list("agent", "load")
    assert dict(loads) == held()
    assert Offer.objects.count() >= ENOUGH
