"""The snapshot of a wave: the agents and tickets it contains, and their details."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction

from agents import presence, roster
from agents.models import Agent, AgentCertificate, Presence
from dispatch import affinity, assignments, offers, policies
from dispatch.models import CustomerAffinity, Offer
from dispatch.rules import limits
from dispatch.waves import snapshot, wave
from dispatch.waves.snapshot import Shard, WaveSnapshot
from tests import factories
from tickets import clock
from tickets.models import Ticket

pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def _card() -> None:
    factories.make_card()


def read_snapshot(shard: Shard = wave.ALL) -> WaveSnapshot:
    at = clock.now()
    with transaction.atomic():
        return snapshot.read(policy=policies.read_in_force(at=at), at=at, shard=shard)


def run_wave() -> int:
    return wave.run(at=clock.now())


def list_offered() -> list[Any]:
    return list(Offer.objects.pending().values_list("agent", flat=True))


def make_agents(count: int = limits.MAX_CHOICE + 5) -> list[Agent]:
    """Make more agents than are read for one ticket, the longest idle first."""
    now = clock.now()
    return [factories.make_agent(at=now - (count - each) * SECOND) for each in range(count)]


def certify(agent: Agent, **given: Any) -> AgentCertificate:
    return AgentCertificate.objects.create(agent=agent, code="kyc", **given)


def test_agent_is_read_with_all_inputs() -> None:
    factories.make_ticket()
    agent = factories.make_agent(languages={"en": 3, "fr": 5}, skills={"cards": 4}, capacity=3)
    certify(agent)
    today = clock.now().date()
    Presence.objects.update(load=1, worked_today=7, worked_on=today)

    [seen] = read_snapshot().free

    held = factories.read_presence(agent)
    assert (seen.agent_input.id, seen.agent_input.idle_since) == (agent.pk, held.idle_since)
    assert (seen.agent_input.languages, seen.agent_input.skills) == (
        {"en": 3, "fr": 5},
        {"cards": 4},
    )
    assert seen.agent_input.certificates == {"kyc"}
    assert (seen.agent_input.room, seen.agent_input.worked_today) == (2, 7)


def test_yesterdays_conversations_do_not_count_as_todays_work() -> None:
    factories.make_ticket()
    factories.make_agent()
    Presence.objects.update(worked_today=7, worked_on=clock.now().date() - DAY)

    assert [seen.agent_input.worked_today for seen in read_snapshot().free] == [0]


def test_day_is_counted_from_its_first_conversation() -> None:
    agent = factories.make_agent()
    today = clock.now()
    for at in (today - DAY, today - DAY, today):
        presence.count_accepted(agent, at=at)

    held = factories.read_presence(agent)
    assert (held.worked_today, held.worked_on) == (1, today.date())


def test_ticket_is_read_with_its_past_offers() -> None:
    ticket = factories.make_ticket()
    now_not, never, expired, shown, just = (factories.make_agent() for _ in range(5))
    offers.decline(factories.make_offer(ticket, now_not), because="not_now", at=clock.now())
    Offer.objects.update(settled_at=clock.now() - limits.NOT_NOW_LASTS - SECOND)
    offers.decline(factories.make_offer(ticket, just), because="not_now", at=clock.now())
    offers.decline(factories.make_offer(ticket, never), at=clock.now())
    past = clock.now() - SECOND
    for agent in (expired, shown):
        offer = factories.make_offer(ticket, agent)
        offers.show([(offer.pk, agent.pk)], at=clock.now())
        if agent == expired:
            Offer.objects.filter(pk=offer.pk).update(sent_at=past - SECOND, expires_at=past)
            offers.expire_overdue(at=clock.now())
    Ticket.objects.update(offered=False)
    factories.make_agent()

    [seen] = read_snapshot().waiting

    assert seen.ticket_input.timed_out_by == {now_not.pk, expired.pk}
    assert (seen.ticket_input.declined_by, seen.ticket_input.offered_to) == (
        {never.pk, just.pk},
        {shown.pk},
    )
    assert seen.taken_slots == {0}


def test_stored_snapshot_is_read_back_unchanged() -> None:
    factories.make_ticket(skills={"cards": 2}, urgency="high")
    factories.make_agent(skills={"cards": 2})

    seen = read_snapshot()
    again = WaveSnapshot.from_json(seen.raw)

    assert [one.ticket_input for one in again.waiting] == [one.ticket_input for one in seen.waiting]
    assert [one.agent_input for one in again.free] == [one.agent_input for one in seen.free]


def test_blocked_pair_is_never_offered_and_blocks_no_other() -> None:
    agent = factories.make_agent()
    ticket = factories.make_ticket(at=clock.now() - 9 * SECOND)
    affinity.block(agent, ticket, at=clock.now())
    behind = factories.make_ticket(customer={"ref": "another", "name": "Noor"})

    assert run_wave() == 1
    assert Offer.objects.get().ticket == behind


def test_unblocked_agent_is_offered_the_customer_again() -> None:
    affinity.block(factories.make_agent(), factories.make_ticket(), at=clock.now())
    assert run_wave() == 0

    affinity.unblock(CustomerAffinity.objects.get())

    assert run_wave() == 1


def test_block_applies_to_one_clients_customer_only() -> None:
    """Two clients may use the same reference for two people."""
    agent = factories.make_agent()
    affinity.block(agent, factories.make_ticket(), at=clock.now())
    Ticket.objects.update(status="abandoned", closed_at=clock.now())
    other = factories.make_client("other")
    factories.make_card(other)
    factories.make_ticket(other)

    assert run_wave() == 1


def test_known_agent_is_found_behind_many_longer_idle_ones() -> None:
    others, known = make_agents(), factories.make_agent()
    ticket = factories.make_ticket()
    affinity.record_contact(known.pk, ticket, at=clock.now() - DAY)

    run_wave()

    offer = Offer.objects.get()
    assert (offer.agent, offer.reasons["known"]) == (known, True)
    assert known not in others


@pytest.mark.parametrize("trouble", ["long ago", "away", "unable", "passed"])
def test_unavailable_known_agent_costs_the_others_nothing(trouble: str) -> None:
    """Returning customers would otherwise wait longer than others."""
    speaks = {"fr": 5} if trouble == "unable" else {"en": 5}
    known, ticket = factories.make_agent(languages=speaks), factories.make_ticket()
    factories.make_agent()
    met_at = clock.now() - (limits.CONTACT_LASTS if trouble == "long ago" else DAY)
    affinity.record_contact(known.pk, ticket, at=met_at)
    if trouble == "away":
        presence.go_away(known, at=clock.now())
    if trouble == "passed":
        offers.decline(factories.make_offer(ticket, known), at=clock.now())

    assert [seen.ticket_input.known_by for seen in read_snapshot().waiting] == [frozenset()]


def test_declines_of_the_longest_idle_do_not_hide_other_agents() -> None:
    ticket, agents = factories.make_ticket(), make_agents()
    for agent in agents[:-1]:
        offers.decline(factories.make_offer(ticket, agent), at=clock.now())

    assert run_wave() == 1
    assert list_offered() == [agents[-1].pk]


def test_conversation_makes_agent_and_customer_known_and_abuse_blocks_them() -> None:
    held = factories.make_assignment()
    assignments.hand_back(held, reason="abusive", at=clock.now())

    known = CustomerAffinity.objects.get()
    assert (known.agent, known.customer_ref) == (held.agent, held.ticket.customer_ref)
    assert known.blocked_at is not None

    affinity.record_contact(held.agent_id, held.ticket, at=clock.now())
    assert CustomerAffinity.objects.get().blocked_at is not None


def test_client_may_require_a_certificate() -> None:
    client = factories.make_client("bank", certificate="kyc")
    factories.make_card(client)
    factories.make_ticket(client)
    factories.make_agent()
    assert run_wave() == 0

    certified = factories.make_agent(languages={"en": 1})
    certify(certified)

    assert run_wave() == 1
    assert list_offered() == [certified.pk]


def test_certificate_is_valid_until_the_end_of_its_last_day() -> None:
    agent, today = factories.make_agent(), clock.now()
    certify(agent, valid_until=today.date())

    assert roster.lapse_certificates(at=today) == 0
    assert "+kyc" in factories.read_presence(agent).abilities
    assert roster.lapse_certificates(at=today + DAY) == 1
    assert "+kyc" not in factories.read_presence(agent).abilities
    assert roster.lapse_certificates(at=today + DAY) == 0


def test_two_shards_cover_every_language_once() -> None:
    languages = ["en", "fr", "de", "it", "es", "nl", "pt", "el"]
    for language in languages:
        factories.make_ticket(language=language)
    factories.make_agent(languages=dict.fromkeys(languages, 5), capacity=9)

    shares = [
        [one.ticket_input.language for one in read_snapshot(Shard(number, 2)).waiting]
        for number in (0, 1)
    ]

    assert sorted(shares[0] + shares[1]) == sorted(languages)
    assert all(shares)
