"""`manage.py replay`: replays stored decisions and reports those that pair differently."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import QuerySet

from dispatch.explanations import replay
from dispatch.explanations.replay import ReplayResult
from dispatch.management import bar
from dispatch.management.arguments import moment, number
from dispatch.models import Decision


class Command(BaseCommand):
    help = "Replays stored decisions: the same snapshot and policy must give the same pairs."

    def add_arguments(self, parser: CommandParser) -> None:
        which = parser.add_mutually_exclusive_group()
        which.add_argument("--decision", type=UUID, help="replay this decision")
        which.add_argument(
            "--last",
            type=number(int, least=1, most=10_000_000),
            help="replay this many, the newest (default: all)",
        )
        which.add_argument(
            "--since",
            type=moment,
            help="replay those from this moment on, such as 2026-11-22",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        chosen = _select_decisions(options)
        total, odd = len(chosen), []
        for done, result in enumerate(_replay_all(chosen), start=1):
            bar.draw(self.stderr, done, of=total)
            if not result.is_same:
                odd.append(result)
        for result in odd:
            self._show(result)
        self.stdout.write(f"{total - len(odd)} of {total} the same")
        if odd:
            raise CommandError(f"{len(odd)} of {total} replayed differently")

    def _show(self, result: ReplayResult) -> None:
        decision = result.decision
        self.stdout.write(
            f"{decision.pk} · {decision.at.isoformat()} · policy {decision.policy_id}"
        )
        for sign, pairs in (("-", result.lost), ("+", result.new)):
            for ticket, agent in pairs:
                self.stdout.write(f"  {sign} ticket {ticket} agent {agent}")


def _select_decisions(options: dict[str, Any]) -> list[UUID]:
    """The chosen decisions, the oldest first. Raises CommandError for an unknown one."""
    rows: QuerySet[Decision] = Decision.objects.order_by("-at", "-pk")
    if options["decision"]:
        rows = rows.filter(pk=options["decision"])
    elif options["since"]:
        rows = rows.filter(at__gte=options["since"])
    newest = list(rows.values_list("pk", flat=True)[: options["last"]])
    if options["decision"] and not newest:
        raise CommandError("There is no such decision.")
    return newest[::-1]


def _replay_all(ids: list[UUID]) -> Iterator[ReplayResult]:
    """Replay these decisions, reading a hundred rows at once to bound the memory."""
    for start in range(0, len(ids), 100):
        rows = Decision.objects.in_bulk(ids[start : start + 100])
        yield from (replay.replay(rows[pk]) for pk in ids[start : start + 100])
