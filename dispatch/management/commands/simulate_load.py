"""`manage.py simulate_load`: people and bots that do not exist use a running platform."""

import asyncio
import logging
import signal
from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from dispatch.loadtest import fixtures
from dispatch.loadtest.behaviour import BEHAVIOURS
from dispatch.loadtest.crowd import Crowd, Plan
from dispatch.loadtest.fixtures import Fixtures
from dispatch.loadtest.history import HistoryStore
from dispatch.management.arguments import number, slug
from tickets import clock

#: The counts of the progress line and the summary, each with the act it counts.
SUMMARY = {
    "escalations": ("escalation", "acked"),
    "offers seen": ("card", "seen"),
    "accepted": ("accept", "acked"),
    "declined": ("decline", "acked"),
    "messages": ("message", "acked"),
    "resolved": ("resolve", "acked"),
    "handed back": ("hand-back", "acked"),
    "customers left": ("cancel", "acked"),
    "webhooks": ("webhook", "seen"),
}
PATIENCE = {"brisk": timedelta(seconds=45), "gentle": timedelta(minutes=3)}
WRAP_UP = {"brisk": timedelta(seconds=12), "gentle": timedelta(minutes=2)}

COUNT = number(int, least=0)
RATE = number(float, least=0, most=100_000)
SPAN = number(float, least=0)


class Command(BaseCommand):
    help = "Uses a running platform as people and bots would: a load to test it, or to watch it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--agents", type=int, required=True, help="how many come to work")
        parser.add_argument(
            "--rate",
            type=RATE,
            required=True,
            help="customers a minute",
        )
        parser.add_argument("--minutes", type=SPAN, help="of arrivals; without end if not said")
        parser.add_argument("--seed", type=int, default=0, help="one seed, one crowd")
        parser.add_argument(
            "--url", default=settings.PUBLIC_URL, help="where the platform is (PUBLIC_URL)"
        )
        parser.add_argument("--pace", choices=sorted(BEHAVIOURS), default="gentle")
        parser.add_argument("--languages", default="en,fr,de,sv", help="what is spoken")
        parser.add_argument("--client", type=slug, default="kantonbank", help="its client's code")
        parser.add_argument("--log", type=Path, help="a folder for the actors' histories")
        parser.add_argument(
            "--duplicates",
            type=COUNT,
            default=0,
            help="send each thing up to so many times more",
        )
        parser.add_argument(
            "--drain",
            type=SPAN,
            default=60,
            help="seconds for those who came to finish",
        )
        parser.add_argument(
            "--listen",
            type=SPAN,
            default=8,
            help="seconds to go on listening for webhooks after",
        )
        parser.add_argument(
            "--among-people", action="store_true", help="allow it where real people work"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        refuse_nonsense(options)
        # It would write a line for each request.
        logging.getLogger("httpx").setLevel(logging.WARNING)
        created = self._create(options)
        store = HistoryStore(options["log"])
        plan = Plan(
            url=options["url"],
            rate=options["rate"] / 60,
            seconds=options["minutes"] * 60 if options["minutes"] else None,
            drain=options["drain"],
            listen=options["listen"],
            behaviour=BEHAVIOURS[options["pace"]],
            seed=options["seed"],
            duplicates=options["duplicates"],
        )
        asyncio.run(self._play(plan, created, store))
        self._sum_up(store)

    def _create(self, options: Mapping[str, Any]) -> Fixtures:
        pace = options["pace"]
        return fixtures.create(
            options["client"],
            agents=options["agents"],
            languages=tuple(options["languages"].split(",")),
            patience=PATIENCE[pace],
            wrap_up=WRAP_UP[pace],
            at=clock.now(),
        )

    async def _play(self, plan: Plan, created: Fixtures, store: HistoryStore) -> None:
        """Ctrl-C lets those who came finish; a second one does not. TERM is as the second."""
        crowd = Crowd(plan, created, store)
        playing = asyncio.create_task(crowd.run(partial(fixtures.set_webhook_url, created)))
        loop = asyncio.get_running_loop()

        def interrupted() -> None:
            playing.cancel() if crowd.enough.is_set() else crowd.stop()

        loop.add_signal_handler(signal.SIGINT, interrupted)
        loop.add_signal_handler(signal.SIGTERM, playing.cancel)
        while not playing.done():
            await asyncio.wait([playing], timeout=1 if self.stdout.isatty() else 10)
            self._tell(crowd)
        if not playing.cancelled():
            playing.result()

    def _tell(self, crowd: Crowd) -> None:
        summary = " · ".join(f"{crowd.store.count(*of)} {name}" for name, of in SUMMARY.items())
        here = f"{len(crowd.customers)} customers here"
        if self.stdout.isatty():
            self.stdout.write(f"\r\x1b[K{here} · {summary}", ending="")
        else:
            self.stdout.write(f"{here} · {summary}")
        self.stdout.flush()

    def _sum_up(self, store: HistoryStore) -> None:
        self.stdout.write("")
        for name, of in SUMMARY.items():
            self.stdout.write(f"{store.count(*of):>8} {name}")
        doubted = sum(count for (_act, how), count in store.counts.items() if how == "doubted")
        refused = sum(count for (_act, how), count in store.counts.items() if how == "refused")
        unclear = sum(count for (_act, how), count in store.counts.items() if how == "unclear")
        self.stdout.write(f"{doubted:>8} answers in doubt, asked again")
        self.stdout.write(f"{refused:>8} refusals")
        self.stdout.write(f"{unclear:>8} never answered")


def refuse_nonsense(options: Mapping[str, Any]) -> None:
    """Raises CommandError, with what to give instead."""
    if options["agents"] < 1:
        raise CommandError("Give at least one agent: --agents 8.")
    if options["rate"] <= 0:
        raise CommandError("Give a rate above zero: --rate 6 is one customer in ten seconds.")
    if options["minutes"] is not None and options["minutes"] <= 0:
        raise CommandError("Give minutes above zero, or none for a load without end.")
    if not all(part.isalpha() and len(part) in (2, 3) for part in options["languages"].split(",")):
        raise CommandError("Give languages as codes: --languages en,fr.")
    if settings.SECURE and not options["among_people"]:
        raise CommandError(
            f"{settings.PUBLIC_URL} looks like a platform people work on: its agents would be"
            " offered invented conversations. Give --among-people if that is what you want."
        )
