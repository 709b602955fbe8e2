"""Conflicts: an agent does one thing while somebody else does another that excludes it."""

import asyncio
from collections import Counter
from collections.abc import Awaitable
from contextlib import AsyncExitStack
from random import Random
from typing import Any

from dispatch.loadtest import page_parser
from dispatch.loadtest.browser import CSRF, DeskBrowser
from dispatch.loadtest.http import HttpClient
from tests import factories
from tests.chaos.actors import MANY, Actors, query, run_by
from tests.chaos.scenario import Scenario


@run_by(2)
async def accept_against_others(scenario: Scenario, actors: Actors) -> None:
    """The customer leaves, the coordinator takes the offer back, or takes the conversation away."""
    async with AsyncExitStack() as stack:
        office = await stack.enter_async_context(HttpClient(scenario.platform.url, rng=Random(1)))
        await _enter_office(scenario, office)
        outcomes: Counter[str] = Counter()
        for ticket, of in (await actors.offers(await actors.ask(MANY), each=1)).items():
            login, offer = next(iter(of.items()))
            await _against_leaving(actors, actors.desk(login), ticket, offer, outcomes)
        for of in (await actors.offers(await actors.ask(MANY), each=1)).values():
            login, offer = next(iter(of.items()))
            await _against_withdrawing(actors, actors.desk(login), office, offer, outcomes)
        for of in (await actors.offers(await actors.ask(MANY), each=1)).values():
            login, offer = next(iter(of.items()))
            await _against_taking(actors, actors.desk(login), office, offer, outcomes)
        scenario.measured |= dict(outcomes)


async def at_once(actors: Actors, *acts: Awaitable[Any]) -> list[Any]:
    """Within a few hundredths of a second, either first."""

    async def begin(act: Awaitable[Any]) -> Any:
        await asyncio.sleep(actors.rng.uniform(0, 0.04))
        return await act

    return await asyncio.gather(*map(begin, acts))


async def _against_leaving(
    actors: Actors, desk: DeskBrowser, ticket: str, offer: str, outcomes: Counter[str]
) -> None:
    leaving = actors.bot.cancel(actors.history, ticket)
    assignment, _status = await at_once(actors, desk.accept(offer), leaving)
    outcomes["accepted, then left" if assignment else "left first"] += 1
    if assignment:
        await desk.end("finish", assignment, note="")


async def _against_withdrawing(
    actors: Actors, desk: DeskBrowser, office: HttpClient, offer: str, outcomes: Counter[str]
) -> None:
    taking = _press_in_office(office, "offer", "withdraw", offer)
    assignment, _answer = await at_once(actors, desk.accept(offer), taking)
    outcomes["accepted before withdrawn" if assignment else "withdrawn first"] += 1
    await actors.serve(desk, assignment)


async def _against_taking(
    actors: Actors, desk: DeskBrowser, office: HttpClient, offer: str, outcomes: Counter[str]
) -> None:
    assignment = await desk.accept(offer)
    if assignment is None:
        return
    resolving = desk.end("resolve", assignment, disposition="solved")
    taking = _press_in_office(office, "assignment", "take_away", assignment)
    resolved, _answer = await at_once(actors, resolving, taking)
    outcomes["resolved first" if resolved else "taken away first"] += 1
    scenario = actors.scenario
    ((ending,),) = query(
        scenario.platform, "SELECT ending FROM dispatch_assignment WHERE id = %s", [assignment]
    )
    scenario.expect((ending == "resolved") == resolved, f"told resolved={resolved}, is {ending}")
    if resolved:
        await desk.end("finish", assignment, note="")


async def _enter_office(scenario: Scenario, office: HttpClient) -> None:
    await asyncio.to_thread(factories.make_coordinator, f"cora-{scenario.client}")
    page = await office.ask("GET", "/admin/login/")
    form = {
        "csrfmiddlewaretoken": page_parser.token(page.text),
        "username": f"cora-{scenario.client}",
    }
    answer = await office.ask(
        "POST", "/admin/login/", data={**form, "password": factories.PASSWORD, "next": "/admin/"}
    )
    scenario.expect(answer.status == 302, f"the office let nobody in: {answer.status}")


async def _press_in_office(office: HttpClient, what: str, action: str, pk: str) -> int:
    form = {
        "csrfmiddlewaretoken": office.cookie(*CSRF)[1],
        "action": action,
        "_selected_action": pk,
    }
    answer = await office.ask("POST", f"/admin/dispatch/{what}/", data=form)
    return answer.status
