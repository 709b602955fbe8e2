"""No overbooking: concurrent matching never gives an agent more than their capacity.

Three hundred agents of capacity one. Sixteen threads escalate, match, accept and finish by the
platform's own verbs, while an observer counts what each agent holds.
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
#: More tickets than places, so that threads compete for every free agent.
WAITING = 310
#: The test runs until this many offers were made, so that many agents get a second one.
ENOUGH = 350
#: The limit in seconds. It is long, because a busy machine should not fail the test.
LONGEST = 60.0
#: Seconds between two observations.
PAUSE = 0.005

Row = TypeVar("Row", bound=Model)

# One statement, so that nothing moves from an offer to an assignment between two reads.
HELD = """
SELECT agent_id, count(*) FROM (
    SELECT agent_id FROM dispatch_offer WHERE settled_at IS NULL
    UNION ALL
    SELECT agent_id FROM dispatch_assignment WHERE finished_at IS NULL
) held GROUP BY agent_id
"""


def count_held() -> dict[str, int]:
    """The number of pending offers and unfinished assignments of each agent."""
    with connection.cursor() as cursor:
        cursor.execute(HELD)
        return dict(cursor.fetchall())


def escalate(_chance: random.Random) -> None:
    factories.make_ticket(language="en")


def match(_chance: random.Random) -> None:
    wave.run(at=clock.now())


def accept(rng: random.Random) -> None:
    """Accept some pending offers, which other threads may accept too."""
    for offer in sample(Offer.objects.pending(), rng):
        offers.accept(offer, at=clock.now())


def finish(rng: random.Random) -> None:
    """End some conversations with their wrap-up, which frees places."""
    for one in sample(Assignment.objects.talking(), rng):
        assignments.resolve(one, disposition="solved", at=clock.now())
        assignments.finish(one, at=clock.now())


def sample(rows: QuerySet[Row], rng: random.Random) -> list[Row]:
    """Four of the first 40 rows, so that threads sometimes choose the same."""
    found = list(rows[:40])
    return rng.sample(found, min(4, len(found)))


TURNS = (escalate, match, match, accept, accept, finish)


def run_client(number: int, over: threading.Event) -> Counter[str]:
    """Run random verbs until `over` is set. Refusals are expected."""
    rng, acts = random.Random(number), Counter[str]()
    try:
        while not over.is_set():
            acts[run_verb(rng.choice(TURNS), rng)] += 1
    finally:
        connection.close()
    return acts


def run_verb(turn: Callable[[random.Random], None], rng: random.Random) -> str:
    try:
        turn(rng)
    except (DispatchError, TicketError):
        return "refused"
    return turn.__name__


def observe_held(over: threading.Event) -> list[dict[str, int]]:
    """Observe what agents hold until ENOUGH offers were made or LONGEST is over."""
    seen, ends = [], time.monotonic() + LONGEST
    try:
        while time.monotonic() < ends and Offer.objects.count() < ENOUGH:
            seen.append(count_held())
            over.wait(PAUSE)
    finally:
        over.set()
        connection.close()
    return seen


def test_no_agent_holds_more_than_their_capacity_under_concurrency(
    capsys: pytest.CaptureFixture[str],
) -> None:
    factories.make_card()
    for _ in range(AGENTS):
        factories.make_agent(capacity=1)
    for _ in range(WAITING):
        factories.make_ticket()
    over = threading.Event()

    with ThreadPoolExecutor(CLIENTS + 1) as threads:
        watching = threads.submit(observe_held, over)
        running = [threads.submit(run_client, number, over) for number in range(CLIENTS)]
        moments = [*watching.result(), count_held()]
        acts = sum((one.result() for one in running), Counter[str]())
        moments.append(count_held())

    overbooked = {agent for moment in moments for agent, count in moment.items() if count > 1}
    with capsys.disabled():
        print(
            f"\n{len(overbooked)} of {AGENTS} agents overbooked in {len(moments)} observations of"
            f" {CLIENTS} threads: {Offer.objects.count()} offers, {dict(acts)}"
        )
    assert overbooked == set()
    loads = Presence.objects.filter(load__gt=0).values_list("agent", "load")
    assert dict(loads) == count_held()
    assert Offer.objects.count() >= ENOUGH
