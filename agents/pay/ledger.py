"""The ledger: double entry, append-only, each source paid once.

Accounts are strings: `agent:<id>:payable` is the amount owed to an agent, `expense:work` the cost
of work. The database refuses a change (trigger), a sum other than zero (deferred trigger) and a
second entry for the same source (unique constraint).
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Sum

from agents.errors import WrongAmount
from agents.models import Agent, JournalEntry, JournalLine

WORK = "expense:work"


def payable_account(agent_id: UUID) -> str:
    """The name of the account with the amount owed to an agent."""
    return f"agent:{agent_id}:payable"


def credit(
    agent: Agent,
    *,
    amount: int,
    currency: str,
    source_type: str,
    source_id: UUID,
    memo: Mapping[str, Any],
    at: datetime,
) -> JournalEntry | None:
    """Credit the agent with this many minor units for this source. An amount of zero writes
    nothing. A source that was credited before returns its entry. Raises WrongAmount below zero."""
    if amount < 0:
        raise WrongAmount
    if amount == 0:
        return None
    lines = {WORK: amount, payable_account(agent.pk): -amount}
    return _post(
        lines,
        currency=currency,
        kind=JournalEntry.Kind.EARNING,
        agent=agent,
        source_type=source_type,
        source_id=source_id,
        memo=dict(memo),
        occurred_at=at,
    )


@transaction.atomic
def reverse(entry: JournalEntry, *, reason: str, at: datetime) -> JournalEntry:
    """Undo an entry with its mirror image. Raises WrongAmount for an entry that is a reversal
    itself."""
    if entry.kind == JournalEntry.Kind.REVERSAL:
        raise WrongAmount("A reversal can't be reversed.")
    lines = {line.account: -line.amount for line in entry.lines.all()}
    return _post(
        lines,
        currency=entry.lines.all()[0].currency,
        kind=JournalEntry.Kind.REVERSAL,
        agent=entry.agent,
        source_type=entry.source_type,
        source_id=entry.source_id,
        version=entry.version,
        reverses=entry,
        memo={"reason": reason},
        occurred_at=at,
    )


def sum_earnings(agent: Agent, *, since: datetime) -> dict[str, int]:
    """The agent's earnings since then, in minor units by currency."""
    lines = JournalLine.objects.filter(
        account=payable_account(agent.pk), entry__agent=agent, entry__occurred_at__gte=since
    )
    sums = lines.values("currency").annotate(total=Sum("amount")).order_by("currency")
    return {row["currency"]: -row["total"] for row in sums}


@transaction.atomic
def _post(lines: Mapping[str, int], *, currency: str, **given: Any) -> JournalEntry:
    source = {key: given[key] for key in ("source_type", "source_id", "kind")}
    source["version"] = given.get("version", 1)
    entry, created = JournalEntry.objects.get_or_create(**source, defaults=given)
    if created:
        JournalLine.objects.bulk_create(
            JournalLine(entry=entry, account=account, amount=amount, currency=currency)
            for account, amount in lines.items()
        )
    return entry
