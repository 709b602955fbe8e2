"""The journal: double entry, append-only, each source paid once."""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest
from django.db import connection

from agents.errors import WrongAmount
from agents.models import Agent, JournalEntry, JournalLine
from agents.pay import ledger
from tests.factories import make_agent
from tests.refusals import refused_by

pytestmark = pytest.mark.django_db


def credit(
    agent: Agent, at: datetime, *, amount: int = 500, source: UUID | None = None, currency="EUR"
) -> JournalEntry:
    entry = ledger.credit(
        agent,
        amount=amount,
        currency=currency,
        source_type="assignment",
        source_id=source or uuid4(),
        memo={"engaged_s": 60},
        at=at,
    )
    assert entry
    return entry


def read_lines(entry: JournalEntry) -> dict[str, int]:
    return dict(entry.lines.values_list("account", "amount"))


def test_a_credit_posts_the_same_amount_to_the_agent_and_to_the_cost_of_work(
    noon: datetime,
) -> None:
    agent = make_agent()

    entry = credit(agent, noon)

    assert read_lines(entry) == {"expense:work": 500, f"agent:{agent.pk}:payable": -500}
    assert (entry.kind, entry.memo, entry.occurred_at) == ("earning", {"engaged_s": 60}, noon)


def test_crediting_a_source_twice_pays_once(noon: datetime) -> None:
    agent, source = make_agent(), uuid4()
    first = credit(agent, noon, source=source)

    again = credit(agent, noon, source=source, amount=900)

    assert again == first
    assert read_lines(again)["expense:work"] == 500


def test_crediting_zero_writes_nothing(noon: datetime) -> None:
    owed = ledger.credit(
        make_agent(),
        amount=0,
        currency="EUR",
        source_type="assignment",
        source_id=uuid4(),
        memo={},
        at=noon,
    )

    assert owed is None
    assert not JournalEntry.objects.exists()


def test_a_negative_amount_is_refused(noon: datetime) -> None:
    with pytest.raises(WrongAmount):
        credit(make_agent(), noon, amount=-1)


def test_a_reversal_mirrors_its_entry(noon: datetime) -> None:
    agent = make_agent()
    entry = credit(agent, noon)

    mirror = ledger.reverse(entry, reason="paid by mistake", at=noon)

    assert read_lines(mirror) == {"expense:work": -500, f"agent:{agent.pk}:payable": 500}
    assert (mirror.reverses, mirror.memo) == (entry, {"reason": "paid by mistake"})
    assert ledger.sum_earnings(agent, since=noon) == {"EUR": 0}


def test_reversing_twice_writes_one_reversal(noon: datetime) -> None:
    entry = credit(make_agent(), noon)
    mirror = ledger.reverse(entry, reason="a", at=noon)

    assert ledger.reverse(entry, reason="b", at=noon) == mirror


def test_reversing_a_reversal_is_refused(noon: datetime) -> None:
    mirror = ledger.reverse(credit(make_agent(), noon), reason="a", at=noon)

    with pytest.raises(WrongAmount):
        ledger.reverse(mirror, reason="b", at=noon)


def test_earnings_are_summed_by_currency_from_a_moment_on(noon: datetime) -> None:
    agent = make_agent()
    credit(agent, noon - timedelta(seconds=1), amount=1)
    credit(agent, noon, amount=10)
    credit(agent, noon, amount=100)
    credit(agent, noon, amount=7, currency="CHF")
    credit(make_agent(), noon, amount=1000)

    assert ledger.sum_earnings(agent, since=noon) == {"CHF": 7, "EUR": 110}


def test_the_database_refuses_to_change_or_delete_an_entry(noon: datetime) -> None:
    entry = credit(make_agent(), noon)

    with refused_by("journal_entries_never_change"):
        JournalEntry.objects.filter(pk=entry.pk).update(memo={})
    with refused_by("journal_lines_never_change"):
        JournalLine.objects.filter(entry=entry).update(amount=1)
    with refused_by("journal_lines_never_change"):
        JournalLine.objects.filter(entry=entry).delete()
    with refused_by("journal_entries_never_change"), connection.cursor() as cursor:
        cursor.execute("DELETE FROM agents_journalentry")


def make_entry(agent: Agent, at: datetime, **given: object) -> JournalEntry:
    defaults = {"kind": "earning", "source_type": "assignment", "source_id": uuid4()}
    return JournalEntry.objects.create(**{**defaults, "agent": agent, "occurred_at": at, **given})


@pytest.mark.parametrize(
    "amounts", [[], [5], [5, -4], [5, -5, 1]], ids=["none", "one", "unequal", "three"]
)
def test_the_database_refuses_an_entry_that_does_not_balance(
    noon: datetime, amounts: list[int]
) -> None:
    agent = make_agent()

    with refused_by("journal_entries_balance"):
        entry = make_entry(agent, noon)
        for amount in amounts:
            JournalLine.objects.create(entry=entry, account="a", amount=amount, currency="EUR")


def test_the_database_balances_each_currency_by_itself(noon: datetime) -> None:
    agent = make_agent()

    with refused_by("journal_entries_balance"):
        entry = make_entry(agent, noon)
        for amount, currency in ((5, "EUR"), (-5, "CHF")):
            JournalLine.objects.create(entry=entry, account="a", amount=amount, currency=currency)


def test_the_database_refuses_a_line_added_to_a_balanced_entry(noon: datetime) -> None:
    entry = credit(make_agent(), noon)

    with refused_by("journal_entries_balance"):
        JournalLine.objects.create(entry=entry, account="a", amount=1, currency="EUR")


def test_the_database_refuses_a_line_of_zero(noon: datetime) -> None:
    entry = credit(make_agent(), noon)

    with refused_by("a_line_moves_money"):
        JournalLine.objects.create(entry=entry, account="a", amount=0, currency="EUR")


def test_the_database_refuses_to_pay_one_source_twice(noon: datetime) -> None:
    entry = credit(make_agent(), noon)

    with refused_by("one_entry_per_source_and_kind"):
        make_entry(entry.agent, noon, source_id=entry.source_id)


def test_the_database_refuses_a_reversal_without_an_entry_to_reverse(noon: datetime) -> None:
    entry = credit(make_agent(), noon)

    with refused_by("only_a_reversal_reverses"):
        make_entry(entry.agent, noon, kind="reversal")
    with refused_by("only_a_reversal_reverses"):
        make_entry(entry.agent, noon, reverses=entry)
