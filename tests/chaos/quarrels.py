"""Quarrels: an agent does one thing while somebody else does another that excludes it."""

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
from tests.chaos.scene import Scene
from tests.chaos.troupe import MANY, Troupe, by, query


@by(2)
async def accept_against_others(scene: Scene, troupe: Troupe) -> None:
    """The customer leaves, the coordinator takes the offer back, or takes the conversation away."""
    async with AsyncExitStack() as stack:
        office = await stack.enter_async_context(HttpClient(scene.stage.url, chance=Random(1)))
        await _enter_office(scene, office)
        outcomes: Counter[str] = Counter()
        for ticket, of in (await troupe.offers(await troupe.ask(MANY), each=1)).items():
            login, offer = next(iter(of.items()))
            await _against_leaving(troupe, troupe.desk(login), ticket, offer, outcomes)
        for of in (await troupe.offers(await troupe.ask(MANY), each=1)).values():
            login, offer = next(iter(of.items()))
            await _against_withdrawing(troupe, troupe.desk(login), office, offer, outcomes)
        for of in (await troupe.offers(await troupe.ask(MANY), each=1)).values():
            login, offer = next(iter(of.items()))
            await _against_taking(troupe, troupe.desk(login), office, offer, outcomes)
        scene.measured |= dict(outcomes)


async def at_once(troupe: Troupe, *acts: Awaitable[Any]) -> list[Any]:
    """Within a few hundredths of a second, either first."""

    async def begin(act: Awaitable[Any]) -> Any:
        await asyncio.sleep(troupe.chance.uniform(0, 0.04))
        return await act

    return await asyncio.gather(*map(begin, acts))


async def _against_leaving(
    troupe: Troupe, desk: DeskBrowser, ticket: str, offer: str, outcomes: Counter[str]
) -> None:
    leaving = troupe.bot.cancel(troupe.book, ticket)
    assignment, _status = await at_once(troupe, desk.accept(offer), leaving)
    outcomes["accepted, then left" if assignment else "left first"] += 1
    if assignment:
        await desk.end("finish", assignment, note="")


async def _against_withdrawing(
    troupe: Troupe, desk: DeskBrowser, office: HttpClient, offer: str, outcomes: Counter[str]
) -> None:
    taking = _press_in_office(office, "offer", "withdraw", offer)
    assignment, _answer = await at_once(troupe, desk.accept(offer), taking)
    outcomes["accepted before withdrawn" if assignment else "withdrawn first"] += 1
    await troupe.serve(desk, assignment)


async def _against_taking(
    troupe: Troupe, desk: DeskBrowser, office: HttpClient, offer: str, outcomes: Counter[str]
) -> None:
    assignment = await desk.accept(offer)
    if assignment is None:
        return
    resolving = desk.end("resolve", assignment, disposition="solved")
    taking = _press_in_office(office, "assignment", "take_away", assignment)
    resolved, _answer = await at_once(troupe, resolving, taking)
    outcomes["resolved first" if resolved else "taken away first"] += 1
    scene = troupe.scene
    ((ending,),) = query(
        scene.stage, "SELECT ending FROM dispatch_assignment WHERE id = %s", [assignment]
    )
    scene.expect((ending == "resolved") == resolved, f"told resolved={resolved}, is {ending}")
    if resolved:
        await desk.end("finish", assignment, note="")


async def _enter_office(scene: Scene, office: HttpClient) -> None:
    await asyncio.to_thread(factories.make_coordinator, f"cora-{scene.client}")
    page = await office.ask("GET", "/admin/login/")
    form = {"csrfmiddlewaretoken": page_parser.token(page.text), "username": f"cora-{scene.client}"}
    answer = await office.ask(
        "POST", "/admin/login/", data={**form, "password": factories.PASSWORD, "next": "/admin/"}
    )
    scene.expect(answer.status == 302, f"the office let nobody in: {answer.status}")


async def _press_in_office(office: HttpClient, what: str, action: str, pk: str) -> int:
    form = {
        "csrfmiddlewaretoken": office.cookie(*CSRF)[1],
        "action": action,
        "_selected_action": pk,
    }
    answer = await office.ask("POST", f"/admin/dispatch/{what}/", data=form)
    return answer.status
