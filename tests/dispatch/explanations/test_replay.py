"""Decisions: what a wave saw and did is kept, and comes out the same when it is run again."""

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


def some_who_wait_and_some_who_are_free(chance: random.Random) -> None:
    now = clock.now()
    for each in range(6):
        needs = {"cards": chance.randint(1, 4)} if chance.random() < 0.5 else {}
        factories.make_ticket(
            at=now - chance.randint(0, 50) * SECOND,
            language=chance.choice(["en", "fr"]),
            skills=needs,
            urgency=chance.choice(["low", "normal", "high"]),
            customer={"ref": f"customer-{each}", "name": "Mia"},
        )
        factories.make_agent(
            languages={chance.choice(["en", "fr"]): chance.randint(1, 5)},
            skills={"cards": chance.randint(1, 5)},
            capacity=3,
            at=now - chance.randint(0, 40) * SECOND,
        )


def run_again(decision: Decision) -> list[list[str]]:
    seen = WaveSnapshot.from_json(orjson.dumps(decision.read()))
    policy = policies.numbered(decision.policy_id)
    found = wave.pair(seen, policy=policy, at=decision.at)
    return [[str(one.ticket), str(one.agent)] for one in found]


def test_a_wave_is_kept_with_its_offers() -> None:
    ticket, agent, at = factories.make_ticket(), factories.make_agent(), clock.now()

    wave.run(at=at)

    decision = Decision.objects.get()
    assert (decision.policy_id, decision.at) == (1, at)
    assert decision.pairs == [[str(ticket.pk), str(agent.pk)]]
    assert Offer.objects.get().decision == decision


def test_a_wave_that_pairs_nobody_is_not_kept() -> None:
    factories.make_ticket()

    wave.run(at=clock.now())

    assert not Decision.objects.exists()


def test_an_offer_made_by_hand_has_no_decision() -> None:
    assert factories.make_offer().decision is None


@pytest.mark.parametrize("seed", range(3))
def test_a_decision_run_again_pairs_the_same(seed: int) -> None:
    some_who_wait_and_some_who_are_free(random.Random(seed))
    while wave.run(at=clock.now()):
        pass
    Ticket.objects.update(urgency=0)
    Presence.objects.update(idle_since=clock.now())

    assert Decision.objects.exists()
    for decision in Decision.objects.all():
        assert run_again(decision) == decision.pairs


@pytest.mark.parametrize("seed", range(3))
def test_what_agents_declined_or_let_time_out_before_changes_no_pairing(seed: int) -> None:
    """Only what they answered to the very same ticket counts."""
    chance = random.Random(seed)
    some_who_wait_and_some_who_are_free(chance)
    at = clock.now()
    before = pairs(at)
    for _ in range(4):
        have_a_history(chance)

    assert pairs(at) == before


def pairs(at: Any) -> list[tuple[Any, Any]]:
    policy = policies.in_force(at=at)
    seen = snapshot.read(policy=policy, at=at, shard=wave.ALL)
    return [(one.ticket, one.agent) for one in wave.pair(seen, policy=policy, at=at)]


def have_a_history(chance: random.Random) -> None:
    """Each agent answers offers of other tickets, or not, and has come and gone."""
    for held in Presence.objects.select_related("agent"):
        offer = factories.make_offer(factories.make_ticket(), held.agent)
        was = chance.choice(["declined", "expired", "missed_connectivity", "withdrawn", "taken"])
        Offer.objects.filter(pk=offer.pk).update(
            status=was, shown_at=offer.sent_at, settled_at=offer.sent_at
        )
        Ticket.objects.filter(pk=offer.ticket_id).update(
            status="abandoned", closed_at=offer.sent_at
        )
        PresenceSpan.objects.create(
            agent=held.agent,
            status="available",
            started_at=offer.sent_at - chance.randint(1, 900) * SECOND,
            ended_at=offer.sent_at,
        )
        Presence.objects.filter(pk=held.pk).update(
            load=held.load, timeouts_in_row=chance.randint(0, 2)
        )


def test_whoever_has_no_place_left_is_paired_and_gets_no_offer() -> None:
    """Somebody took the place between the look and the write."""
    factories.make_ticket()
    agent, at = factories.make_agent(), clock.now()
    policy = policies.in_force(at=at)
    seen = snapshot.read(policy=policy, at=at, shard=wave.ALL)
    matches = wave.pair(seen, policy=policy, at=at)
    use_places(agent)

    drafts = list(wave.draft_offers(matches, seen, at=at))
    made = outcome.save(drafts, decision=wave.record_decision(matches, seen, policy, at=at), at=at)

    assert (made, len(Decision.objects.get().pairs)) == ([], 1)
    assert Ticket.objects.get().offered is False
