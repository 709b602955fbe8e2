"""The public page about matching, generated from the policy in force."""

import re
from collections.abc import Callable
from dataclasses import fields
from datetime import timedelta

import pytest
from django.test import Client as Http

from dispatch import policies
from dispatch.explanations import rulebook
from dispatch.models import PolicyVersion
from dispatch.rules.policy import INPUTS, LANE_FILTERS, PAIR_FILTERS, Policy
from tickets import clock

pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)
#: The text on the page for each setting of the policy.
READ: dict[str, Callable[[Policy], str]] = {
    "waiting": lambda p: f"promised weighs {p.waiting} points",
    "urgency": lambda p: f"Each step of urgency weighs {p.urgency} points",
    "language": lambda p: weight("How well they speak the language", p.language),
    "skill": lambda p: weight("How well they know what is asked for", p.skill),
    "scarce": lambda p: weight("What they are likely to be needed for soon", p.scarce),
    "no_prior_contact": lambda p: weight("Whether they know this customer", p.no_prior_contact),
    "quality": lambda p: weight("What reviews say of their work", p.quality),
    "quality_unknown": lambda p: f"{p.quality_unknown} % counts for everybody",
    "idle": lambda p: weight("How long they have been free", p.idle),
    "idle_enough": lambda p: f"nothing after {p.idle_enough // 60} min",
    "workload_today": lambda p: weight("Their share of today&#x27;s work", p.workload_today),
    "full_workload": lambda p: f"all of it from {p.full_workload} on",
    "asked_before": lambda p: weight("Did not answer when asked before", p.asked_before),
    "unassigned_penalty": lambda p: (
        f"waiting weighs {p.unassigned_penalty} points at the time promised"
    ),
    "lower_levels_at": lambda p: f"has waited {', '.join(f'{at} %' for at in p.lower_levels_at)}",
    "exclusive_for": lambda p: f"For {p.exclusive_for} s an offer",
    "max_parallel_offers": lambda p: f"At most {p.max_parallel_offers} are asked at once",
}


def weight(title: str, points: int) -> str:
    return f"{title} {points} points"


def page(client: Http, **headers: str) -> str:
    """The text of the page, without markup."""
    whole = client.get("/how-matching-works/", headers=headers).content.decode()
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", whole))


def another(*, in_seconds: int) -> PolicyVersion:
    draft = PolicyVersion.objects.order_by("-version")[0]
    for number, name in enumerate(rulebook.COSTS):
        setattr(draft, name, 51 + number)
    draft.waiting, draft.urgency, draft.unassigned_penalty, draft.quality_unknown = (
        13,
        31,
        123_000,
        61,
    )
    draft.idle_enough, draft.full_workload, draft.exclusive_for = 1800, 9, 33
    draft.lower_levels_at, draft.max_parallel_offers = [300, 900], 2
    draft.note = "Languages count for more"
    draft.valid_from = clock.now() + in_seconds * SECOND
    return policies.publish(draft, at=draft.valid_from - policies.NOTICE)


def test_every_setting_of_the_policy_is_on_the_page() -> None:
    assert READ.keys() == {each.name for each in fields(Policy)} - {"version"}


@pytest.mark.parametrize("name", READ)
def test_a_setting_is_that_of_the_version_in_force(client: Http, name: str) -> None:
    before = policies.read_version(1)
    assert READ[name](before) in page(client)

    after = another(in_seconds=-1).rules()

    said = page(client)
    assert READ[name](after) in said
    assert READ[name](before) not in said


def test_the_page_shows_the_coming_version_and_its_changes(client: Http) -> None:
    another(in_seconds=3600)

    said = page(client)

    assert "Version 1, in force since 1 Nov 2026, 00:00 UTC." in said
    assert "Version 2 comes into force on" in said
    assert "Languages count for more" in said
    assert "Language: 20 → 51" in said
    assert READ["language"](policies.read_version(1)) in said


def test_the_page_shows_earlier_versions_with_their_notes(client: Http) -> None:
    another(in_seconds=-1)

    said = page(client)

    assert "Version 1, from 1 Nov 2026, 00:00 UTC: What is asked" in said


def test_a_french_reader_reads_our_notes_and_dates_in_french(client: Http) -> None:
    said = page(client, **{"accept-language": "fr"})

    assert "en vigueur depuis le 1 nov. 2026" in said
    assert "reste demandé" in said


def test_every_filter_and_every_input_has_a_text(client: Http) -> None:
    assert rulebook.FILTERS.keys() == {**LANE_FILTERS, **PAIR_FILTERS}.keys()
    assert rulebook.INPUTS.keys() == INPUTS
    assert rulebook.PARTS.keys() == set(rulebook.COSTS)
    said = page(client)
    assert [words for words in rulebook.FILTERS.values() if str(words) not in said] == []


def test_the_page_lists_what_matching_does_not_use(client: Http) -> None:
    said = page(client)

    assert "Passing on offers, not answering, hours worked, when and how often" in said
    assert "within 14 days" in said


def test_the_page_is_in_the_language_of_the_browser(client: Http) -> None:
    assert "Comment les conversations sont proposées" in page(client, **{"accept-language": "fr"})


def test_the_landing_page_links_to_it(client: Http) -> None:
    assert 'href="/how-matching-works/"' in client.get("/").content.decode()


def test_the_page_has_no_inline_script_or_style(client: Http) -> None:
    whole = client.get("/how-matching-works/").content.decode()

    assert re.findall(r"<script|<style|\sstyle=|\son\w+=", whole) == []


def test_a_policy_of_one_parallel_offer_says_so(client: Http) -> None:
    draft = PolicyVersion.objects.get(pk=1)
    draft.note, draft.max_parallel_offers, draft.lower_levels_at = "One by one", 1, []
    draft.valid_from = clock.now() - SECOND
    policies.publish(draft, at=draft.valid_from - policies.NOTICE)

    said = page(client)

    assert "One agent at a time is asked." in said
    assert "What is asked for stays as it is, however long the customer waits." in said
