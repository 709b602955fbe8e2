"""Heartbeats: the presence they renew, and the search for offers that were not shown."""

from typing import Any

import pytest

from agents import roster
from agents.models import Agent, Presence, User
from dispatch import offers
from dispatch.desk import heartbeats
from dispatch.desk.heartbeats import LiveSession
from dispatch.models import Offer
from tests import factories
from tests.dispatch.lines import login
from tickets import clock

pytestmark = pytest.mark.django_db


def pulse(agent: Agent) -> LiveSession:
    return LiveSession(agent.pk, login(agent.user).session.session_key or "")


def test_only_heartbeats_of_valid_sessions_are_renewed() -> None:
    good, out, restricted, inactive = (factories.make_agent() for _ in range(4))
    pulses = {agent.name + str(agent.pk): pulse(agent) for agent in (good, restricted, inactive)}
    logged_out = LiveSession(out.pk, "gone")
    roster.restrict(restricted, at=clock.now())
    User.objects.filter(pk=inactive.user_id).update(is_active=False)

    answered = heartbeats.renew({*pulses.values(), logged_out}, sockets=4)

    assert {one.agent_id for one in answered} == {good.pk}


def test_an_expired_session_is_not_renewed() -> None:
    agent = factories.make_agent()
    http = login(agent.user)
    session = http.session
    session.set_expiry(-1)
    session.save()

    assert heartbeats.renew([LiveSession(agent.pk, session.session_key or "")], sockets=1) == {}


@pytest.mark.parametrize(
    "change", [{"paused": True}, {"auto_accept": True}, {"auto_accept_limit": 7}]
)
def test_the_signature_changes_with_presence(change: dict[str, Any]) -> None:
    agent = factories.make_agent()
    mine = pulse(agent)
    before = heartbeats.renew([mine], sockets=1)[mine]

    Presence.objects.filter(agent=agent).update(**change)

    assert heartbeats.renew([mine], sockets=1)[mine] != before


def test_the_signature_changes_with_everything_the_desk_shows() -> None:
    agent = factories.make_agent(capacity=2)
    mine = pulse(agent)
    words = [heartbeats.renew([mine], sockets=1)[mine]]

    def again() -> None:
        words.append(heartbeats.renew([mine], sockets=1)[mine])

    offer = factories.make_offer(agent=agent)
    again()
    held = factories.make_assignment(offer)
    again()
    factories.make_message(held.ticket)
    again()

    assert len(set(words)) == 4


def test_renewing_runs_a_constant_number_of_queries(
    django_assert_num_queries: Any,
) -> None:
    pulses = [pulse(factories.make_agent()) for _ in range(5)]

    with django_assert_num_queries(5):
        assert len(heartbeats.renew(pulses, sockets=5)) == 5


def test_an_offer_sent_a_while_ago_and_not_shown_is_overdue() -> None:
    fresh, shown, lost = (factories.make_offer() for _ in range(3))
    offers.show([(shown.pk, shown.agent_id)], at=clock.now())
    long_ago = clock.now() - 2 * heartbeats.OVERDUE
    Offer.objects.exclude(pk=fresh.pk).update(sent_at=long_ago)

    assert heartbeats.find_unshown() == {lost.pk: lost.agent_id}
