"""An agent's pay by day, from the ledger, with the parts of each amount."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from itertools import groupby
from uuid import UUID
from zoneinfo import ZoneInfo

from babel.dates import format_date
from django.utils.translation import gettext

from agents.models import Agent, JournalEntry
from agents.pay import ledger
from agents.pay.money import active_locale
from agents.pay.quotes import Quote
from dispatch import assignments, wording
from dispatch.models import Assignment

WEEK = timedelta(days=7)


@dataclass(frozen=True)
class Part:
    """One part of an amount."""

    label: str
    amount: int


@dataclass(frozen=True)
class Earned:
    """One entry of the ledger."""

    at: datetime
    title: str
    took: timedelta | None
    amount: int
    currency: str
    parts: list[Part] = field(default_factory=list)


@dataclass(frozen=True)
class EarningsDay:
    """The entries of one day."""

    name: str
    totals: dict[str, int]
    entries: list[Earned]


@dataclass(frozen=True)
class Week:
    """Seven days, the newest first."""

    days: list[EarningsDay]
    earlier: date
    later: date | None


def build_week(agent: Agent, *, until: date | None, at: datetime) -> Week:
    """Build the week that ends on this day, or today."""
    zone = ZoneInfo(agent.time_zone)
    today = at.astimezone(zone).date()
    last = min(until, today) if until else today
    end = datetime.combine(last + timedelta(days=1), time(), zone)
    entries = _list_entries(agent, since=end - WEEK, until=end)
    days = [
        _build_day(day, list(of_day))
        for day, of_day in groupby(entries, lambda entry: entry.at.astimezone(zone).date())
    ]
    return Week(days, last - WEEK, last + WEEK if last < today else None)


def _build_day(day: date, entries: list[Earned]) -> EarningsDay:
    totals: dict[str, int] = {}
    for entry in entries:
        totals[entry.currency] = totals.get(entry.currency, 0) + entry.amount
    name = format_date(day, "EEEE d MMMM", locale=active_locale())
    return EarningsDay(name[:1].upper() + name[1:], totals, entries)


def _list_entries(agent: Agent, *, since: datetime, until: datetime) -> list[Earned]:
    found = JournalEntry.objects.filter(
        agent=agent, occurred_at__gte=since, occurred_at__lt=until
    ).prefetch_related("lines")
    entries = list(found.order_by("-occurred_at"))
    works = _read_assignments(
        entry.source_id for entry in entries if entry.source_type == assignments.SOURCE
    )
    return [_build_earned(entry, works.get(entry.source_id)) for entry in entries]


def _read_assignments(ids: Iterable[UUID]) -> dict[UUID, Assignment]:
    return Assignment.objects.select_related("ticket", "offer").in_bulk(list(ids))


def _build_earned(entry: JournalEntry, work: Assignment | None) -> Earned:
    """Build an entry without the customer's name: topic and time identify the conversation."""
    owed = [
        line for line in entry.lines.all() if line.account == ledger.payable_account(entry.agent_id)
    ]
    amount, currency = -sum(line.amount for line in owed), owed[0].currency
    if work is None or work.finished_at is None:
        return Earned(entry.occurred_at, _get_title(entry), None, amount, currency)
    title = wording.plain(work.ticket.topic)
    if entry.kind == JournalEntry.Kind.REVERSAL:
        title = gettext("Corrected: %(title)s") % {"title": title}
        return Earned(entry.occurred_at, title, None, amount, currency)
    took = work.finished_at - work.started_at
    return Earned(entry.occurred_at, title, took, amount, currency, _list_parts(work, amount))


def _get_title(entry: JournalEntry) -> str:
    return str(entry.memo.get("reason") or wording.plain(gettext(entry.source_type)))


def _list_parts(work: Assignment, amount: int) -> list[Part]:
    """List the parts of the quote and the extra time; only the minutes if the agent was lost."""
    if work.ending == Assignment.Ending.LOST:
        return [Part(gettext("The minutes until the conversation was passed on"), amount)]
    quote: Quote = work.offer.quote
    parts = [Part(wording.pay_line(line, quote.minutes), line.amount) for line in quote.lines]
    if more := amount - quote.amount:
        parts.append(Part(gettext("It took longer than expected"), more))
    return parts
