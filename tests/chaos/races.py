"""The faults of people: two who do what only one can, or one who does it twice, at the same moment.

Over HTTP, many times, by actors of their own.
"""

import asyncio
import time
from collections import Counter
from contextlib import AsyncExitStack

import psycopg

from dispatch.loadtest.browser import DeskBrowser
from tests.chaos.actors import MANY, Actors, query, run_by
from tests.chaos.checker import noted
from tests.chaos.conflicts import accept_against_others
from tests.chaos.scenario import Fault, Scenario

#: When a lock is released, in milliseconds from the end of the minute it holds an answer past.
RELEASED = (-400, -200, -1, 0, 1, 200)
LOCKED_S = 2.0


@run_by(2)
async def two_accept(scenario: Scenario, actors: Actors) -> None:
    """One gets it, the other is told that it is taken."""
    tickets = await actors.ask(MANY)
    offers = await actors.offers(tickets, each=2)
    for of in offers.values():
        pairs = [(actors.desk(login), offer) for login, offer in of.items()]
        won = await asyncio.gather(*(desk.accept(offer) for desk, offer in pairs))
        winners = sum(one is not None for one in won)
        scenario.expect(
            winners == 1, f"{winners} of two who accepted at once were told it is theirs"
        )
        for (desk, _offer), assignment in zip(pairs, won, strict=True):
            await actors.serve(desk, assignment)
    refused = Counter(line["status"] for line in noted(scenario.lines(), "accept", "refused"))
    scenario.measured |= {"races": len(offers), "refused with": dict(refused)}
    scenario.expect(len(offers) == MANY, f"{MANY - len(offers)} tickets were not offered to two")
    scenario.expect(not {*refused} - {409, 410}, f"refused with {dict(refused)}")


@run_by(1)
async def one_accepts_twice(scenario: Scenario, actors: Actors) -> None:
    """In two tabs, and with a double click in each: one conversation, paid once."""
    tickets = await actors.ask(MANY)
    offers = await actors.offers(tickets, each=1)
    async with AsyncExitStack() as stack:
        desk = actors.desks[0]
        tab = await actors.tab(desk, stack)
        for of in offers.values():
            (offer,) = of.values()
            clicks = (one.accept(offer) for one in (desk, desk, tab, tab))
            won = {*await asyncio.gather(*clicks)}
            scenario.expect(
                len(won) == 1 and None not in won, f"accepted four times at once: {won}"
            )
            await _twice_each(actors, desk, tab, next(iter(won - {None}), None))
    scenario.measured["races"] = len(offers)


async def _twice_each(
    actors: Actors, desk: DeskBrowser, tab: DeskBrowser, assignment: str | None
) -> None:
    """Whatever follows is done in both tabs at once."""
    if assignment is None:
        return
    both, number = (desk, tab), actors.number()
    say = (one.say(assignment, number=number, text="Hello.", after=0) for one in both)
    await asyncio.gather(*say)
    await asyncio.gather(*(one.end("resolve", assignment, disposition="solved") for one in both))
    await asyncio.gather(*(one.end("finish", assignment, note="") for one in both))


@run_by(1)
async def accept_at_the_last_moment(scenario: Scenario, actors: Actors) -> None:
    """The answer waits for a lock past, or just not past, the end of the minute."""
    tickets = await actors.ask(len(RELEASED))
    offers = await actors.offers(tickets, each=1)
    desk = actors.desks[0]
    plays = [
        (ticket, offer, released)
        for (ticket, of), released in zip(offers.items(), RELEASED, strict=False)
        for offer in of.values()
    ]
    answered: list[tuple[int, bool]] = []
    # No more at once than the web server has threads: who waits for one doesn't wait for the lock.
    for first in range(0, len(plays), 3):
        some = (_answer_late(scenario, desk, *play) for play in plays[first : first + 3])
        answered += await asyncio.gather(*some)
    scenario.measured["released at, ms: accepted"] = dict(answered)
    for released, accepted in answered:
        early, late = released < -100, released >= 0
        scenario.expect(accepted or not early, f"refused though in time by {-released} ms")
        scenario.expect(not (accepted and late), f"accepted though late by {released} ms")
    left = query(
        scenario.platform,
        "SELECT count(*) FROM dispatch_offer o JOIN dispatch_offer later ON later.ticket_id ="
        " o.ticket_id AND later.sent_at > o.settled_at AND later.status IN ('sent', 'shown')"
        " WHERE o.status = 'accepted' AND o.ticket_id = ANY(%s::uuid[])",
        [tickets],
    )
    scenario.expect(left == [(0,)], "accepted, and offered again")


async def _answer_late(
    scenario: Scenario, desk: DeskBrowser, ticket: str, offer: str, released: int
) -> tuple[int, bool]:
    """The minute is cut short in the database, so that nobody waits for it."""
    holding = asyncio.create_task(asyncio.to_thread(_hold, scenario, ticket, offer, released))
    await asyncio.sleep(0.5)
    assignment = await desk.accept(offer)
    await holding
    if assignment:
        await desk.end("resolve", assignment, disposition="solved")
        await desk.end("finish", assignment, note="")
    return released, assignment is not None


def _hold(scenario: Scenario, ticket: str, offer: str, released: int) -> None:
    """Lock the ticket until so many milliseconds after the offer's end."""
    with psycopg.connect(scenario.platform.database_url) as database:
        database.execute("SELECT 1 FROM tickets_ticket WHERE id = %s FOR UPDATE", [ticket])
        query(
            scenario.platform,
            "UPDATE dispatch_offer SET expires_at = clock_timestamp() + %s * interval '1 s'"
            " WHERE id = %s",
            [LOCKED_S, offer],
        )
        database.execute(
            "SELECT pg_sleep_until(expires_at + %s * interval '1 ms') FROM dispatch_offer"
            " WHERE id = %s",
            [released, offer],
        )


@run_by(3, places=1)
async def line_lost_in_a_talk(scenario: Scenario, actors: Actors) -> None:
    """Ten seconds cost nothing; a minute costs the conversation, and somebody else goes on."""
    tickets = await actors.ask(2)
    offers = await actors.offers(tickets, each=1)
    held = {}
    for ticket, of in offers.items():
        login, offer = next(iter(of.items()))
        held[ticket] = (actors.desk(login), await actors.desk(login).accept(offer))
    scenario.expect(len({desk for desk, _talk in held.values()}) == 2, "one agent got both")
    (_kept, (short, first)), (lost, (long, second)) = held.items()
    cut = time.time()
    await asyncio.gather(_cut(short, 10), _cut(long, 60))
    said = await short.say(str(first), number=actors.number(), text="Still here.", after=0)
    scenario.expect(said is not None, "ten seconds without a line cost the conversation")
    late = await long.say(str(second), number=actors.number(), text="I am back!", after=0)
    scenario.expect(late is None, "late words of one who lost the conversation were taken")
    heard = [
        line
        for line in noted(scenario.lines(), "webhook", "seen")
        if line["ticket"] == lost and line["type"] == "ticket.requeued"
    ]
    scenario.expect(len(heard) == 1, f"the customer was told {len(heard)} times of the lost line")
    if heard:
        scenario.measured["lease ended after, s"] = round(heard[0]["at"] - cut, 1)
        scenario.expect(heard[0]["at"] - cut <= 50, "the lease ended too late")
    again = await actors.offers([lost], each=1, seconds=20)
    for of in again.values():
        login, offer = next(iter(of.items()))
        await actors.serve(actors.desk(login), await actors.desk(login).accept(offer))
    scenario.expect(bool(again), "nobody was asked to go on")
    await short.end("resolve", str(first), disposition="solved")
    await short.end("finish", str(first), note="")


async def _cut(desk: DeskBrowser, seconds: float) -> None:
    desk.history.note("network", "seen", gone_for=seconds)
    await desk.close()
    await asyncio.sleep(seconds)
    await desk.open()
    await desk.set_presence("available")


@run_by(1)
async def web_dies_while_customers_write(scenario: Scenario, actors: Actors) -> None:
    """What they were told is kept, is kept, though the server dies the next moment."""
    tickets = await actors.ask(MANY)
    over = asyncio.Event()
    writing = [asyncio.create_task(_write_on(actors, ticket, over)) for ticket in tickets]
    for _ in range(3):
        await asyncio.sleep(3)
        await asyncio.to_thread(scenario.platform.kill, "web")
    await asyncio.sleep(4)
    over.set()
    scenario.measured["messages"] = sum(await asyncio.gather(*writing))
    for ticket in tickets:
        await actors.bot.read_messages(actors.history, ticket)
        await actors.bot.cancel(actors.history, ticket)


async def _write_on(actors: Actors, ticket: str, over: asyncio.Event) -> int:
    """One word after another; returns how many were taken."""
    taken = 0
    history = actors.store.history(f"writer-{ticket}")
    while not over.is_set():
        number = str(actors.number())
        taken += await actors.bot.say(history, ticket, number=number, text="Hello?") is not None
        await asyncio.sleep(0.2)
    return taken


RACES = [
    Fault("F4W", "kill -9 of the web server while customers write", web_dies_while_customers_write,
          crowd=False),
    Fault("F21", "two accept the same ticket at once", two_accept, crowd=False),
    Fault("F22", "one accepts it four times at once, in two tabs", one_accepts_twice, crowd=False),
    Fault("F23", "accepted around the end of the minute, past a lock", accept_at_the_last_moment,
          crowd=False),
    Fault("F24", "accept against leaving and withdrawing, resolve against taking away",
          accept_against_others, crowd=False),
    Fault("F25", "an agent's line is lost in a talk: 10 s, 60 s", line_lost_in_a_talk, crowd=False),
]  # fmt: skip
