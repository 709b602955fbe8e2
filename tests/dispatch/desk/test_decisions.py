"""The page on which an agent reads why they or other agents got an offer."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from agents.models import Agent, AgentCertificate, AgentLanguage, Presence
from dispatch import affinity, offers, policies
from dispatch.desk.views import decisions
from dispatch.explanations import exclusions, not_considered, reasons, rulebook
from dispatch.models import Offer, PolicyVersion
from dispatch.rules.policy import LANE_FILTERS, PAIR_FILTERS
from dispatch.waves import wave
from tests import factories
from tests.dispatch.desk.conftest import Browser
from tickets import clock
from tickets.models import Ticket

SECOND = timedelta(seconds=1)


@pytest.fixture(autouse=True)
def _card(db: None) -> None:
    factories.make_card()


def run_wave() -> None:
    wave.run(at=clock.now())


def longest_free() -> Agent:
    """Make Elsa, who has been free for an hour longer than all other agents."""
    elsa = factories.make_agent("Elsa")
    Presence.objects.filter(agent=elsa).update(idle_since=clock.now() - timedelta(hours=1))
    return elsa


def read_rows(browser: Browser, **given: Any) -> list[Any]:
    return list(browser.look("decisions/", **given).context["decisions"])


def reasons_shown(browser: Browser) -> list[str]:
    (one,) = read_rows(browser, others="")
    return list(one.reasons)


def test_every_name_of_the_policy_has_a_text() -> None:
    filters = {**LANE_FILTERS, **PAIR_FILTERS}.keys()

    assert exclusions.EXCLUDED.keys() == filters | set(not_considered.OUTSIDE_POLICY)
    assert set(rulebook.COSTS) == reasons.TITLES.keys()
    assert set(rulebook.COSTS) == reasons.OWN_VALUES.keys() == reasons.BETTER.keys()
    assert set(decisions.OUTCOMES) == set(Offer.Status)


def test_the_page_of_an_agent_without_offers_says_so(plain: Browser) -> None:
    page = plain.look("decisions/").content.decode()

    assert "No offers yet." in page
    assert "within 14 days" in page
    assert "/how-matching-works/" in page


def test_the_menu_and_the_card_link_to_the_reasons(plain: Browser, amina: Agent) -> None:
    factories.make_offer(agent=amina)

    page = plain.look().content.decode()

    assert page.count('href="/desk/decisions/"') == 2


def test_an_offer_is_explained_part_by_part(plain: Browser, amina: Agent) -> None:
    factories.make_agent(languages={"en": 3})
    factories.make_ticket()

    run_wave()

    (one,) = read_rows(plain)
    assert one.outcome == "on its way to you"
    assert one.standing == "You fitted best; 1 other person would have fitted too."
    parts = {part.title: (part.mine, part.others) for part in one.parts}
    assert parts["Language"] == (
        "English at level 5 of 5",
        "nobody better, 1 of 1 others less well placed",
    )
    assert parts["Reviews"][0] == "too few reviews to say, so the usual figure counts"
    assert parts["Share of today"] == ("0 conversations so far that day", "the same for all")
    assert "Known customer" not in parts
    assert "Skills" not in parts


def test_an_offer_with_lowered_levels_says_so(plain: Browser, amina: Agent) -> None:
    needs = [{"code": "loans", "level": 2, "gives_way": True}]
    factories.make_ticket(at=clock.now() - 61 * SECOND, skills=needs)
    wave.lower_levels(at=clock.now())

    run_wave()

    (one,) = read_rows(plain)
    assert one.standing == "Nobody else who fits was free."
    assert one.reasons == ["Loans was asked for at level 2; after 1 min it is no longer asked for"]
    assert one.reasons[0] in plain.look("decisions/").content.decode()


def test_a_weight_of_zero_is_not_shown(plain: Browser, amina: Agent) -> None:
    draft = PolicyVersion.objects.get(pk=1)
    draft.note, draft.quality = "Reviews count for nothing", 0
    policies.publish(draft, at=clock.now() - timedelta(minutes=1))
    factories.make_ticket()

    run_wave()

    (one,) = read_rows(plain)
    assert "Reviews" not in {part.title for part in one.parts}


def test_an_offer_made_by_hand_has_no_reasons(plain: Browser, amina: Agent) -> None:
    factories.make_offer(agent=amina)

    page = plain.look("decisions/").content.decode()

    assert "A coordinator made this offer, or the reasons are no longer kept." in page


def test_agents_with_better_language_are_counted_and_not_named(
    plain: Browser, amina: Agent
) -> None:
    for name in ("Zoltan", "Yvette"):
        factories.make_agent(name, languages={"sv": 5})
    AgentLanguage.objects.create(agent=amina, language="sv", level=2)
    factories.make_ticket(language="sv", customer={"ref": "u-1", "name": "Wilhelmina"})

    run_wave()

    assert reasons_shown(plain) == ["2 other agents speak the language better"]
    page = plain.look("decisions/", others="").content.decode()
    assert re.findall("Zoltan|Yvette|Wilhelmina|swallowed", page) == []


def test_an_agent_who_knew_the_customer_is_a_reason(plain: Browser, amina: Agent) -> None:
    ticket = factories.make_ticket()
    affinity.record_contact(factories.make_agent("Elsa").pk, ticket, at=clock.now())

    run_wave()

    assert reasons_shown(plain) == ["1 other agent knew this customer"]


def passed(amina: Agent) -> None:
    run_wave()
    offers.decline(Offer.objects.get(), at=clock.now())


def talking(amina: Agent) -> None:
    factories.make_assignment(agent=amina)


def asked(amina: Agent) -> None:
    factories.make_offer(agent=amina, ticket=factories.make_ticket(language="en"))


NOT_ME: dict[str, tuple[Any, dict[str, Any], str]] = {
    "declined": (passed, {}, "you had passed on this one"),
    "talking": (talking, {}, "you were in another conversation (your limit is 1)"),
    "asked": (asked, {}, "you were being asked for another conversation (your limit is 1)"),
    "no skill": (None, {"payments": 3}, "it asked for Payments at level 3; you have none"),
    "low skill": (None, {"cards": 3}, "it asked for Cards at level 3; you have 2"),
}


@pytest.mark.parametrize("reason", NOT_ME)
def test_the_reason_why_another_agent_got_the_offer_is_shown(
    plain: Browser, amina: Agent, reason: str
) -> None:
    happened, skills, sentence = NOT_ME[reason]
    amina.skills.create(skill="cards", level=2)
    ticket = factories.make_ticket(skills=skills)
    if happened:
        happened(amina)
    factories.make_agent("Elsa", skills={"cards": 5, "payments": 5})

    run_wave()

    assert Offer.objects.filter(ticket=ticket).exclude(agent=amina).count() == 1
    assert reasons_shown(plain) == [sentence]


def test_the_required_certificate_is_named(plain: Browser, amina: Agent) -> None:
    client = factories.make_client("bank", certificate="kyc")
    factories.make_card(client)
    AgentCertificate.objects.create(agent=factories.make_agent("Elsa"), code="kyc")
    factories.make_ticket(client)

    run_wave()

    assert reasons_shown(plain) == ["it requires the certificate kyc, which you do not hold"]


def test_idle_time_is_the_reason_between_equal_agents(plain: Browser, amina: Agent) -> None:
    longest_free()
    factories.make_ticket()

    run_wave()

    assert reasons_shown(plain) == ["1 other agent had been free for longer"]


def test_a_pending_offer_of_another_ticket_is_a_reason(plain: Browser, amina: Agent) -> None:
    factories.make_agent("Elsa")
    for _ in range(2):
        factories.make_ticket()

    run_wave()

    assert reasons_shown(plain) == ["you were asked for another conversation at the same moment"]


def test_offers_to_others_while_the_agent_was_away_are_not_listed(
    plain: Browser, amina: Agent
) -> None:
    plain.act("presence", status="away")
    factories.make_agent("Elsa")
    factories.make_ticket()

    run_wave()

    assert read_rows(plain, others="") == []


def test_offers_in_another_language_are_not_listed(plain: Browser) -> None:
    factories.make_agent("Elsa", languages={"sv": 5})
    factories.make_ticket(language="sv")

    run_wave()

    assert read_rows(plain, others="") == []
    page = plain.look("decisions/", others="").content.decode()
    assert "Nothing went to others in your languages while you were available." in page


def test_an_agent_reads_only_their_own_decisions(plain: Browser, amina: Agent) -> None:
    factories.make_offer(agent=factories.make_agent("Elsa"))

    assert read_rows(plain) == []


def test_a_page_lists_twenty_decisions(plain: Browser, amina: Agent) -> None:
    client = factories.get_client()
    for _ in range(21):
        ticket = factories.make_ticket(client)
        offers.decline(factories.make_offer(ticket, amina), at=clock.now())

    first = plain.look("decisions/")
    second = plain.look("decisions/", page="2")

    assert (len(first.context["decisions"]), first.context["earlier"]) == (20, 2)
    assert (len(second.context["decisions"]), second.context["later"]) == (1, 1)
    assert second.context["earlier"] is None


@pytest.mark.parametrize("odd", ["none", "-1", "0", "99999", "²"])
def test_an_invalid_page_number_counts_as_the_first(plain: Browser, odd: str) -> None:
    assert plain.look("decisions/", page=odd).status_code == 200


def test_the_page_runs_a_constant_number_of_queries(plain: Browser, amina: Agent) -> None:
    def many(count: int) -> int:
        for _ in range(count):
            factories.make_ticket()
            longest_free()
            run_wave()
        plain.look("decisions/", others="")
        with CaptureQueriesContext(connection) as asked:
            assert len(read_rows(plain, others="")) >= count
        return len(asked)

    assert many(1) == many(8)


def test_times_are_in_the_time_zone_of_the_agent(plain: Browser, amina: Agent) -> None:
    Agent.objects.filter(pk=amina.pk).update(time_zone="Asia/Tokyo")
    offer = factories.make_offer(agent=amina)
    Offer.objects.filter(pk=offer.pk).update(sent_at=offer.sent_at.replace(hour=23, minute=7))

    assert ", 08:07</time>" in plain.look("decisions/").content.decode()


def test_the_page_has_no_inline_script_or_style(plain: Browser, amina: Agent) -> None:
    factories.make_ticket()
    run_wave()

    page = plain.look("decisions/").content.decode()

    assert re.findall(r"<script(?! src=)|<style|\sstyle=|\son\w+=", page) == []
    assert Ticket.objects.count() == 1
