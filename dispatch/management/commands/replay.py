"""`manage.py replay`: runs decisions again and says whether they come out the same."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import QuerySet
from django.utils.dateparse import parse_datetime

from dispatch.explanations import replay
from dispatch.explanations.replay import ReplayResult
from dispatch.management import bar
from dispatch.models import Decision


class Command(BaseCommand):
    help = "Runs stored decisions again: the same glance and policy must pair the same."

    def add_arguments(self, parser: CommandParser) -> None:
        which = parser.add_mutually_exclusive_group()
        which.add_argument("--decision", type=UUID, help="this one")
        which.add_argument("--last", type=_count, help="so many, the newest (all if not said)")
        which.add_argument("--since", type=_moment, help="from this moment on, such as 2026-11-22")

    def handle(self, *args: Any, **options: Any) -> None:
        chosen = _chosen(options)
        total, odd = len(chosen), []
        for number, done in enumerate(_replayed(chosen), start=1):
            bar.draw(self.stderr, number, of=total)
            if not done.same:
                odd.append(done)
        for one in odd:
            self._show(one)
        self.stdout.write(f"{total - len(odd)} of {total} the same")
        if odd:
            raise CommandError(f"{len(odd)} of {total} came out another way")

    def _show(self, one: ReplayResult) -> None:
        decision = one.decision
        self.stdout.write(
            f"{decision.pk} · {decision.at.isoformat()} · policy {decision.policy_id}"
        )
        for sign, pairs in (("-", one.lost), ("+", one.new)):
            for ticket, agent in pairs:
                self.stdout.write(f"  {sign} ticket {ticket} agent {agent}")


def _chosen(options: dict[str, Any]) -> list[UUID]:
    """Which, the oldest first. Raises CommandError for one there is not."""
    rows: QuerySet[Decision] = Decision.objects.order_by("-at", "-pk")
    if options["decision"]:
        rows = rows.filter(pk=options["decision"])
    elif options["since"]:
        rows = rows.filter(at__gte=options["since"])
    newest = list(rows.values_list("pk", flat=True)[: options["last"]])
    if options["decision"] and not newest:
        raise CommandError("There is no such decision.")
    return newest[::-1]


def _replayed(ids: list[UUID]) -> Iterator[ReplayResult]:
    """A hundred are held at once, however many there are."""
    for start in range(0, len(ids), 100):
        rows = Decision.objects.in_bulk(ids[start : start + 100])
        yield from (replay.replay(rows[pk]) for pk in ids[start : start + 100])


def _moment(written: str) -> datetime:
    try:
        found = parse_datetime(written) or datetime.fromisoformat(written)
    except ValueError as wrong:
        raise CommandError(f"{written} is no moment: write 2026-11-22T12:00.") from wrong
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _count(written: str) -> int:
    if not written.isdigit() or int(written) < 1:
        raise CommandError(f"{written} is no count: write 1000.")
    return int(written)
