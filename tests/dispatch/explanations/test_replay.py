"""Decisions: a wave stores its snapshot and pairs, and replaying it gives the same pairs."""

import random
from datetime import timedelta
from typing import Any

import orjson
import pytest

from agents.models import Presence, PresenceSpan
from dispatch import policies
from dispatch.models import Decision, Offer
from dispatch.waves import outcome, snapshot, wave
from dispatch.waves.snapshot import WaveSnapshot
from tests import factories
from tests.factories import use_places
from tickets import clock
from tickets.models import Ticket

pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)


@pytest.fixture(autouse=True)
def _card() -> None:
    factories.make_card()


def make_tickets_and_agents(rng: random.Random) -> None:
    now = clock.now()
    for each in range(6):
        needs = {"cards": rng.randint(1, 4)} if rng.random() < 0.5 else {}
        factories.make_ticket(
            at=now - rng.randint(0, 50) * SECOND,
            language=rng.choice(["en", "fr"]),
            skills=needs,
            urgency=rng.choice(["low", "normal", "high"]),
            customer={"ref": f"customer-{each}", "name": "Mia"},
        )
        factories.make_agent(
            languages={rng.choice(["en", "fr"]): rng.randint(1, 5)},
            skills={"cards": rng.randint(1, 5)},
            capacity=3,
            at=now - rng.randint(0, 40) * SECOND,
        )


def replay_pairs(decision: Decision) -> list[list[str]]:
    seen = WaveSnapshot.from_json(orjson.dumps(decision.read()))
    policy = policies.read_version(decision.policy_id)
    found = wave.pair(seen, policy=policy, at=decision.at)
    return [[str(one.ticket), str(one.agent)] for one in found]


def test_a_wave_stores_its_decision_with_its_offers() -> None:
    ticket, agent, at = factories.make_ticket(), factories.make_agent(), clock.now()

    wave.run(at=at)

    decision = Decision.objects.get()
    assert (decision.policy_id, decision.at) == (1, at)
    assert decision.pairs == [[str(ticket.pk), str(agent.pk)]]
    assert Offer.objects.get().decision == decision


def test_a_wave_without_pairs_stores_no_decision() -> None:
    factories.make_ticket()

    wave.run(at=clock.now())

    assert not Decision.objects.exists()


def test_an_offer_made_outside_a_wave_has_no_decision() -> None:
    assert factories.make_offer().decision is None


@pytest.mark.parametrize("seed", range(3))
def test_a_replayed_decision_gives_the_same_pairs(seed: int) -> None:
    make_tickets_and_agents(random.Random(seed))
    while wave.run(at=clock.now()):
        pass
    Ticket.objects.update(urgency=0)
    Presence.objects.update(idle_since=clock.now())

    assert Decision.objects.exists()
    for decision in Decision.objects.all():
        assert replay_pairs(decision) == decision.pairs


@pytest.mark.parametrize("seed", range(3))
def test_declines_and_timeouts_of_other_tickets_change_no_pairs(seed: int) -> None:
    """Only answers to the same ticket count."""
    rng = random.Random(seed)
    make_tickets_and_agents(rng)
    at = clock.now()
    before = find_pairs(at)
    for _ in range(4):
        make_offer_history(rng)

    assert find_pairs(at) == before


def find_pairs(at: Any) -> list[tuple[Any, Any]]:
    policy = policies.read_in_force(at=at)
    seen = snapshot.read(policy=policy, at=at, shard=wave.ALL)
    return [(one.ticket, one.agent) for one in wave.pair(seen, policy=policy, at=at)]


def make_offer_history(rng: random.Random) -> None:
    """Give each agent settled offers of other tickets and past presence."""
    for held in Presence.objects.select_related("agent"):
        offer = factories.make_offer(factories.make_ticket(), held.agent)
        was = rng.choice(["declined", "expired", "missed_connectivity", "withdrawn", "taken"])
        Offer.objects.filter(pk=offer.pk).update(
            status=was, shown_at=offer.sent_at, settled_at=offer.sent_at
        )
        Ticket.objects.filter(pk=offer.ticket_id).update(
            status="abandoned", closed_at=offer.sent_at
        )
        PresenceSpan.objects.create(
            agent=held.agent,
            status="available",
            started_at=offer.sent_at - rng.randint(1, 900) * SECOND,
            ended_at=offer.sent_at,
        )
        Presence.objects.filter(pk=held.pk).update(
            load=held.load, timeouts_in_row=rng.randint(0, 2)
        )


def test_an_agent_who_lost_their_last_place_is_paired_but_gets_no_offer() -> None:
    """The place was taken between the snapshot and the write."""
    factories.make_ticket()
    agent, at = factories.make_agent(), clock.now()
    policy = policies.read_in_force(at=at)
    seen = snapshot.read(policy=policy, at=at, shard=wave.ALL)
    matches = wave.pair(seen, policy=policy, at=at)
    use_places(agent)

    drafts = list(wave.draft_offers(matches, seen, at=at))
    made = outcome.save(drafts, decision=wave.record_decision(matches, seen, policy, at=at), at=at)

    assert (made, len(Decision.objects.get().pairs)) == ([], 1)
    assert Ticket.objects.get().offered is False
