"""The coordinators' pages of pay: the ledger and rate cards."""

from datetime import timedelta

import pytest
from django.urls import reverse

from agents.models import JournalEntry, RateCard
from agents.pay import ledger
from tests.factories import make_assignment, make_card
from tests.staff import (
    SUBMITTED,
    list_address,
    log_in_coordinator,
    log_in_viewer,
    page_address,
    read_messages,
)
from tickets import clock

pytestmark = pytest.mark.django_db


def make_entry():
    assignment = make_assignment()
    return ledger.credit(
        assignment.agent,
        amount=435,
        currency="EUR",
        source_type="assignment",
        source_id=assignment.pk,
        memo={"quote": assignment.offer.pay, "engaged_s": 61},
        at=clock.now(),
    )


@pytest.fixture
def coordinator():
    return log_in_coordinator()


@pytest.fixture
def viewer():
    return log_in_viewer()


# Ledger


def test_an_entry_lists_its_lines_as_money(coordinator):
    entry = make_entry()

    shown = coordinator.get(page_address("agents_journalentry", entry)).content.decode()

    assert "€4.35" in shown
    assert "expense:work" in shown
    assert "per ticket: €1.50" in shown


def test_an_entry_is_reversed_with_a_reason_and_a_reversal_cannot_be_reversed(coordinator):
    entry = make_entry()
    address = page_address("agents_journalentry", entry, action="reverse")

    coordinator.post(address, {**SUBMITTED, "reason": "paid twice"})
    reversal = JournalEntry.objects.get(kind="reversal")
    again = page_address("agents_journalentry", reversal)
    coordinator.post(again.replace("change/", "reverse/"), {**SUBMITTED, "reason": "no"})

    assert reversal.memo == {"reason": "paid twice"}
    assert "A reversal can't be reversed." in " ".join(read_messages(coordinator.get(again)))
    assert JournalEntry.objects.count() == 2


def test_reversing_without_a_reason_is_refused(coordinator):
    entry = make_entry()
    address = page_address("agents_journalentry", entry, action="reverse")

    coordinator.post(address, {**SUBMITTED, "reason": ""})

    assert JournalEntry.objects.count() == 1


def test_the_ledger_has_no_add_or_change_form(coordinator, viewer):
    entry = make_entry()
    here = page_address("agents_journalentry", entry)

    assert coordinator.post(here, {"kind": "reversal"}).status_code == 403
    assert coordinator.get(here.replace("change/", "delete/")).status_code == 403
    assert coordinator.get(reverse("admin:agents_journalentry_add")).status_code == 403
    assert viewer.post(here.replace("change/", "reverse/"), SUBMITTED).status_code == 403


def test_the_ledger_is_searchable_by_agent_and_day(coordinator):
    make_entry()
    at = clock.now()

    by_name = coordinator.get(list_address("agents_journalentry"), {"q": "amina"})
    by_day = coordinator.get(
        list_address("agents_journalentry"),
        {"occurred_at__year": at.year, "occurred_at__month": at.month},
    )

    assert "€4.35" in by_name.content.decode()
    assert "€4.35" in by_day.content.decode()


# Rate cards


def card_form(card, **given):
    start = card.valid_from
    return {
        "client": card.client, "currency": "EUR", "per_ticket": 200, "per_minute": "30",
        "least": 0, "expected_minutes": 8, "valid_from_0": f"{start:%Y-%m-%d}",
        "valid_from_1": f"{start:%H:%M:%S}", "valid_to_0": "", "valid_to_1": "",
        "premiums-TOTAL_FORMS": 0, "premiums-INITIAL_FORMS": 0, **given,
    }  # fmt: skip


def test_a_card_in_force_is_read_only(coordinator):
    card = make_card()

    seen = coordinator.get(page_address("agents_ratecard", card))
    changed = coordinator.post(page_address("agents_ratecard", card), card_form(card))

    assert "€1.50" in seen.content.decode()
    assert changed.status_code == 403
    assert RateCard.objects.get().per_ticket == 150


def test_a_future_card_is_editable(coordinator):
    card = make_card(valid_from=clock.now() + timedelta(days=2))

    coordinator.post(page_address("agents_ratecard", card), card_form(card))

    assert RateCard.objects.get().per_ticket == 200


def test_a_card_that_starts_in_the_past_starts_now(coordinator):
    card = make_card(valid_from=clock.now() + timedelta(days=2))
    before = clock.now()

    form = card_form(card, valid_from_0="2020-01-01", valid_from_1="00:00:00")
    coordinator.post(page_address("agents_ratecard", card), form)

    assert RateCard.objects.get().valid_from >= before


def test_a_new_version_copies_the_rates_and_premiums(coordinator):
    card = make_card(skills={"cards": 25})
    address = page_address("agents_ratecard", card, action="new_version")
    start = f"{clock.now() + timedelta(days=3):%Y-%m-%dT%H:%M}"

    coordinator.post(address, {**SUBMITTED, "valid_from": start})

    made = RateCard.objects.exclude(pk=card.pk).get()
    assert (made.per_ticket, made.per_minute, made.valid_to) == (150, 30, None)
    assert list(made.premiums.values_list("kind", "code", "per_ticket")) == [("skill", "cards", 25)]
    assert card.premiums.count() == 1


def test_a_new_version_that_starts_in_the_past_is_refused(coordinator):
    card = make_card()
    address = page_address("agents_ratecard", card, action="new_version")

    answer = coordinator.post(address, {**SUBMITTED, "valid_from": "2020-01-01T10:00"})

    assert "a time in the future" in answer.content.decode()
    assert RateCard.objects.count() == 1
