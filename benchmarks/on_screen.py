"""From a bot's POST to the offer painted on an agent's screen, through the proxy, in Chromium.

`python -m benchmarks.on_screen --agents 20 --rate 5`: every agent has an open page. Also measures
the size of the desk's first load.
"""

import argparse
import asyncio
import logging
import os
import random
import statistics
import time
from typing import Any, NamedTuple

import django
import httpx
from playwright.async_api import Browser, CDPSession, Page, async_playwright

from benchmarks import databases, requests, systems
from tests import platform as platforms
from tests import servers
from tests.platform import Platform

WATCH = """
window.seen = {};
new MutationObserver(() => document.querySelectorAll("article.offer").forEach(card => {
    const offer = card.dataset.offer;
    if (!(offer in window.seen)) {
        window.seen[offer] = 0;
        requestAnimationFrame(() => { window.seen[offer] = Date.now(); });
    }
})).observe(document, {childList: true, subtree: true});
"""
#: Customers leave after this time, so that screens don't fill up with offers.
STAYS = 3.0


class Measurement(NamedTuple):
    """The post time of each ticket (s), the paint time of each offer (ms), and the size of a
    desk."""

    posted: dict[str, float]
    painted: dict[str, float]
    weight: float


async def open_desk(browser: Browser, platform: Platform, session: str) -> Page:
    context = await browser.new_context(
        base_url=platform.url, viewport={"width": 360, "height": 740}
    )
    await context.add_cookies([{"name": "session", "value": session, "url": platform.url}])
    await context.add_init_script(WATCH)
    page = await context.new_page()
    await page.goto("/desk/")
    await page.wait_for_selector("body[data-line=open]", timeout=60_000)
    return page


async def measure_weight(browser: Browser, platform: Platform, session: str) -> float:
    """kB received for the first load of the desk, headers included, nothing cached."""
    context = await browser.new_context(base_url=platform.url)
    await context.add_cookies([{"name": "session", "value": session, "url": platform.url}])
    page = await context.new_page()
    wire: CDPSession = await context.new_cdp_session(page)
    received: list[float] = []
    wire.on("Network.loadingFinished", lambda event: received.append(event["encodedDataLength"]))
    await wire.send("Network.enable")
    await page.goto("/desk/", wait_until="networkidle")
    await context.close()
    return sum(received) / 1000


async def escalate(http: httpx.AsyncClient, posted: dict[str, float]) -> None:
    started = time.time()
    answer = await http.post(
        "/escalations",
        headers={"Idempotency-Key": requests.make_key()},
        json=requests.make_handoff(),
    )
    ticket = answer.json()["ticket"]
    posted[ticket] = started
    await asyncio.sleep(STAYS)
    await http.post(f"/tickets/{ticket}/cancel", json={"reason": "left"})


async def measure(platform: Platform, key: str, sessions: list[str], given: Any) -> Measurement:
    program = servers.find_chromium()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        weight = await measure_weight(browser, platform, sessions[0])
        pages = [await open_desk(browser, platform, session) for session in sessions]
        posted: dict[str, float] = {}
        headers = {"Authorization": f"Bearer {key}"}
        async with httpx.AsyncClient(base_url=f"{platform.url}/api/v1", headers=headers) as http:
            asked = []
            for _ in range(int(given.rate * given.seconds)):
                asked.append(asyncio.create_task(escalate(http, posted)))
                await asyncio.sleep(random.expovariate(given.rate))
            await asyncio.gather(*asked)
        seen: dict[str, float] = {}
        for page in pages:
            seen |= await page.evaluate("window.seen")
        await browser.close()
    return Measurement(posted, seen, weight)


def report(found: Measurement, given: argparse.Namespace) -> None:
    from dispatch.models import Offer

    first: dict[str, float] = {}
    painted = {pk: at for pk, at in found.painted.items() if at}
    for offer in Offer.objects.filter(pk__in=list(painted)):
        at = painted[str(offer.pk)] / 1000
        first[str(offer.ticket_id)] = min(at, first.get(str(offer.ticket_id), at))
    took = sorted((at - found.posted[ticket]) * 1000 for ticket, at in first.items())
    cuts = statistics.quantiles(took, n=100, method="inclusive")
    print(f"{given.rate:g}/s, {given.agents} open desks in Chromium")
    print(f"  {len(found.posted)} escalations, {len(took)} offers on a screen")
    print(f"  POST to painted: p50 {cuts[49]:.0f} ms, p95 {cuts[94]:.0f} ms, p99 {cuts[98]:.0f} ms")
    print(f"  first load of the desk: {found.weight:.1f} kB over the wire")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--agents", type=int, default=20)
    parser.add_argument("--rate", type=float, default=5)
    parser.add_argument("--seconds", type=float, default=40)
    given = parser.parse_args()
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    os.environ["SECRET_KEY"] = platforms.SECRET
    logging.getLogger("httpx").setLevel(logging.WARNING)
    with servers.run_servers():
        django.setup()
        key, sessions = systems.prepare_product(given.agents)
        databases.create("product", like="product_ready")
        with platforms.run_platform("product") as platform:
            databases.use_database("product")
            report(asyncio.run(measure(platform, key, sessions, given)), given)


if __name__ == "__main__":
    main()
