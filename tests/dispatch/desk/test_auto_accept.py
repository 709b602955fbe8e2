"""Automatic acceptance of offers, and the pause after unanswered ones."""

from datetime import timedelta

import pytest

from agents import presence
from agents.models import Agent
from dispatch import offers
from dispatch.models import Assignment, Offer
from tests import factories
from tests.dispatch.desk.conftest import Browser
from tickets import clock, lifecycle


def ms(ago: timedelta) -> int:
    return int((clock.now() - ago).timestamp() * 1000)


A_MINUTE = timedelta(minutes=1)


def shown(agent: Agent) -> Offer:
    """Make an offer and report it as shown, with all that follows."""
    offer = factories.make_offer(agent=agent)
    offers.auto_accept(offers.show([(offer.pk, agent.pk)], at=clock.now()), at=clock.now())
    return Offer.objects.get(pk=offer.pk)


def test_automatic_acceptance_is_off_by_default(plain: Browser, amina: Agent) -> None:
    assert shown(amina).status == "shown"
    page = plain.look().content.decode()
    assert 'data-action="start-auto-accept"' in page
    assert 'data-action="stop-auto-accept"' not in page


def test_automatic_acceptance_turned_on_is_shown_and_can_be_stopped(
    live: Browser, amina: Agent
) -> None:
    on = live.act("auto-accept", on="1", limit="3").content.decode()
    assert "Offers are accepted for you, at most 3 an hour." in on
    assert 'data-action="stop-auto-accept"' in on
    assert shown(amina).status == "accepted"

    off = live.act("auto-accept", limit="3").content.decode()

    assert 'data-action="stop-auto-accept"' not in off
    assert not factories.read_presence(amina).auto_accept


def test_the_switch_without_scripts_redirects_to_the_desk(plain: Browser) -> None:
    assert plain.act("auto-accept", on="1", limit="3").url == "/desk/"


@pytest.mark.parametrize("limit", ["0", "31", "many", ""])
def test_an_invalid_limit_is_refused(plain: Browser, amina: Agent, limit: str) -> None:
    assert plain.act("auto-accept", on="1", limit=limit).status_code == 422
    assert not factories.read_presence(amina).auto_accept


def test_automatic_acceptance_stops_at_the_hourly_limit(db: None) -> None:
    agent = factories.make_agent(capacity=3)
    presence.set_auto_accept(agent, on=True, limit=2)

    assert [shown(agent).status for _ in range(3)] == ["accepted", "accepted", "shown"]


def test_an_abandoned_ticket_does_not_stop_other_acceptances(amina: Agent) -> None:
    elsa = factories.make_agent("Elsa")
    for agent in (amina, elsa):
        presence.set_auto_accept(agent, on=True, limit=2)
    gone, stays = factories.make_offer(agent=amina), factories.make_offer(agent=elsa)
    lifecycle.abandon(gone.ticket, reason="left", at=clock.now())

    begun = offers.auto_accept([gone.pk, stays.pk], at=clock.now())

    assert [assignment.agent for assignment in begun] == [elsa]


def test_an_open_home_page_leads_to_an_automatically_accepted_conversation(
    live: Browser, amina: Agent
) -> None:
    presence.set_auto_accept(amina, on=True, limit=3)
    offer = shown(amina)
    work = Assignment.objects.get(offer=offer)

    answer = live.look("state", signature="old", home_since=ms(A_MINUTE))

    assert answer.headers["HX-Redirect"] == f"/desk/conversations/{work.pk}/"


def test_a_home_page_opened_after_the_acceptance_stays(live: Browser, amina: Agent) -> None:
    presence.set_auto_accept(amina, on=True, limit=3)
    shown(amina)

    answer = live.look("state", signature="old", home_since=ms(-A_MINUTE))

    assert "HX-Redirect" not in answer.headers


def test_another_page_only_lists_an_automatically_accepted_conversation(
    live: Browser, amina: Agent
) -> None:
    presence.set_auto_accept(amina, on=True, limit=3)
    work = Assignment.objects.get(offer=shown(amina))

    answer = live.look("state", signature="old")

    assert "HX-Redirect" not in answer.headers
    assert f'id="row-{work.pk}"' in answer.content.decode()


def test_an_offer_accepted_by_hand_does_not_redirect_an_open_home_page(
    live: Browser, amina: Agent
) -> None:
    factories.make_assignment(agent=amina)

    answer = live.look("state", signature="old", home_since=ms(A_MINUTE))

    assert "HX-Redirect" not in answer.headers


@pytest.mark.parametrize("odd", ["x", "-1", str(10**20)])
def test_an_invalid_home_time_counts_as_none(live: Browser, amina: Agent, odd: str) -> None:
    assert live.look("state", signature="old", home_since=odd).status_code == 200


def test_three_expired_offers_pause_the_agent_until_a_tap(live: Browser, amina: Agent) -> None:
    for _ in range(3):
        presence.record_timeouts([amina.pk], at=clock.now())

    page = live.look().content.decode()
    assert 'id="status" class="status" data-status="paused"' in page
    assert "Three offers in a row found no answer" in page
    assert "You are on a break." not in page

    back = live.act("presence", status="available").content.decode()

    assert "Three offers in a row" not in back
    assert factories.read_presence(amina).timeouts_in_row == 0


def test_an_agent_on_a_break_is_not_paused(live: Browser, amina: Agent) -> None:
    page = live.act("presence", status="away").content.decode()

    assert "You are on a break." in page
    assert 'data-status="paused"' not in page
