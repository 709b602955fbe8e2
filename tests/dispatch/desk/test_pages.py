"""The pages of an agent, and the landing page."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client as Http

from agents.models import Agent, JournalEntry
from agents.pay import ledger
from agents.pay.money import format_money, format_round_money
from dispatch import assignments, wording
from dispatch.models import Assignment
from tests import factories
from tests.dispatch.desk.conftest import Browser
from tickets import clock


def paid_work(agent: Agent, *, minutes: int = 3) -> Assignment:
    """Make a paid conversation that took this long."""
    now = clock.now()
    work = factories.make_assignment(agent=agent, at=now - timedelta(minutes=minutes))
    assignments.resolve(work, disposition="solved", at=now)
    return assignments.finish(work, at=now)


def test_the_desk_of_an_agent_without_work_says_so(plain: Browser) -> None:
    page = plain.look().content.decode()

    assert "You are online. We will ring when someone needs you." in page
    assert "None at the moment." in page
    assert "€0.00" in page


def test_the_desk_lists_only_the_conversations_of_the_agent(plain: Browser, amina: Agent) -> None:
    mine = factories.make_assignment(agent=amina)
    theirs = factories.make_assignment(agent=factories.make_agent("Elsa"))

    page = plain.look().content.decode()

    assert f'data-conversation="{mine.pk}"' in page
    assert str(theirs.pk) not in page


def test_pages_have_no_inline_script_or_style(plain: Browser, amina: Agent) -> None:
    work = factories.make_assignment(agent=amina)
    addresses = ["", f"conversations/{work.pk}/", "earnings/", "leave/"]

    for address in addresses:
        page = plain.look(address).content.decode()
        assert re.findall(r"<script(?! src=)", page) == []
        assert re.findall(r"<style|\sstyle=|\son\w+=", page) == []


def test_a_page_is_not_cached(plain: Browser) -> None:
    assert plain.look().headers["Cache-Control"] == "no-store"


def test_earnings_show_the_parts_of_an_amount(plain: Browser, amina: Agent) -> None:
    paid_work(amina, minutes=12)

    page = plain.look("earnings/").content.decode()

    assert "€5.10" in page
    assert "For each conversation" in page
    assert "8 minutes expected" in page
    assert "It took longer than expected" in page
    assert "€1.20" in page
    assert not re.search(r"\bMia\b", page)


def test_the_parts_of_an_amount_sum_to_it(plain: Browser, amina: Agent) -> None:
    paid_work(amina, minutes=12)

    week = plain.look("earnings/").context["week"]

    (entry,) = week.days[0].entries
    assert sum(part.amount for part in entry.parts) == entry.amount == 510


def test_a_correction_is_shown_as_an_entry(plain: Browser, amina: Agent) -> None:
    paid_work(amina)
    ledger.reverse(JournalEntry.objects.get(), reason="Paid twice", at=clock.now())

    page = plain.look("earnings/").content.decode()

    assert "Corrected: Card" in page
    assert "-€3.90" in page


def test_pay_without_a_conversation_shows_its_reason(plain: Browser, amina: Agent) -> None:
    ledger.credit(
        amina,
        amount=700,
        currency="SEK",
        source_type="training",
        source_id=amina.pk,
        memo={},
        at=clock.now(),
    )

    page = plain.look("earnings/").content.decode()

    assert "Training" in page
    assert "SEK\xa07.00" in page or "SEK7.00" in page


def test_a_week_links_to_the_earlier_one(plain: Browser, amina: Agent) -> None:
    week = plain.look("earnings/", until="2026-11-08").context["week"]

    assert (week.earlier.isoformat(), week.later.isoformat()) == ("2026-11-01", "2026-11-15")


@pytest.mark.parametrize("odd", ["tomorrow", "2026-13-45", "9999-12-31", "0001-01-01"])
def test_an_invalid_day_counts_as_today(plain: Browser, odd: str) -> None:
    answer = plain.look("earnings/", until=odd)

    assert answer.status_code == 200
    assert answer.context["week"].later is None


def test_another_agents_pay_is_not_shown(plain: Browser) -> None:
    paid_work(factories.make_agent("Elsa"))

    assert plain.look("earnings/").context["week"].days == []


def test_times_are_in_the_time_zone_of_the_agent(amina: Agent, plain: Browser) -> None:
    Agent.objects.filter(pk=amina.pk).update(time_zone="Asia/Tokyo")
    work = factories.make_assignment(agent=amina)
    factories.make_message(work.ticket, at=datetime(2026, 11, 22, 12, 0, tzinfo=UTC))

    page = plain.look(f"conversations/{work.pk}/").content.decode()

    assert ">21:00</time>" in page


def test_the_landing_page_links_to_chat_desk_and_admin(db: None, client: Http) -> None:
    page = client.get("/").content.decode()

    assert re.findall(r'<li><a href="([^"]+)"', page) == ["/chat/", "/desk/", "/admin/"]


def test_a_missing_page_says_so(db: None, client: Http) -> None:
    answer = client.get("/desk/nowhere/")

    assert answer.status_code == 404
    assert "There is nothing here." in answer.content.decode()


@pytest.mark.parametrize(
    ("length", "as_clock", "as_words"),
    [(0, "0:00", "0 s"), (59, "0:59", "59 s"), (252, "4:12", "4 min"), (7800, "2:10:00", "2 h 10")],
)
def test_durations_are_written_in_short(length: int, as_clock: str, as_words: str) -> None:
    span = timedelta(seconds=length)

    assert (wording.clock(span), wording.span(span)) == (as_clock, as_words)


def test_rounded_money_has_no_cents(db: None) -> None:
    assert (format_money(410, "JPY"), format_round_money(2749, "EUR")) == ("¥410", "€27")


@pytest.mark.parametrize("page", ["earnings/", "leave/"])
def test_an_offer_is_shown_on_other_pages_too(plain: Browser, amina: Agent, page: str) -> None:
    offer = factories.make_offer(agent=amina)

    shown = plain.look(page).content.decode()

    assert f'id="offer-{offer.pk}"' in shown
    assert [
        part for part in ("presence", "conversations", "today") if f'id="{part}"' not in shown
    ] == []
