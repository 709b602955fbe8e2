"""A policy changes only with a new version: each version's fingerprint is recorded here."""

import hashlib
import json
from dataclasses import replace
from uuid import UUID

import pytest

from dispatch.models import PolicyVersion
from dispatch.rules.policy import Policy, unassigned_penalty, verdict
from tests.dispatch.cases import HOUR, MINUTE, NOON, POLICY, make_free_agent, make_waiting_ticket

US, THEM = UUID(int=1), UUID(int=2)
#: The fingerprint of each version: its weights and the results of SAMPLES.
GOLDEN = {
    1: "5eaf3ba58811e9bf",
}
CHANGED = (
    "The policy gives other results than its newest version did. Decisions are replayed with the"
    " version they were made under, so do not edit one. Publish the next by a migration like"
    " dispatch/migrations/0002_first_policy.py and add it to GOLDEN with this fingerprint: "
)
SAMPLES = [
    (ticket, agent)
    for ticket in (
        make_waiting_ticket(id=UUID(int=10)),
        make_waiting_ticket(
            id=UUID(int=11),
            skills={"cards": 2, "loans": 1},
            urgency=2,
            due_at=NOON - 7 * MINUTE,
            timed_out_by=frozenset({US}),
            known_by=frozenset({THEM}),
        ),
        make_waiting_ticket(
            id=UUID(int=12), due_at=NOON + HOUR, urgency=0, declined_by=frozenset({THEM})
        ),
    )
    for agent in (
        make_free_agent(
            id=US,
            skills={"cards": 3, "loans": 1},
            reviews=40,
            good_reviews=31,
            scarcity={"en cards": 60, "en fraud": 190},
        ),
        make_free_agent(
            id=THEM,
            languages={"en": 2},
            skills={"cards": 5, "loans": 4},
            idle_since=NOON - 11 * MINUTE,
            worked_today=7,
        ),
    )
]


def fingerprint(policy: Policy) -> str:
    """A hash of the weights and of the results the code gives with them; not of the version."""
    weights = {name: value for name, value in policy.as_json().items() if name != "version"}
    results = [
        [
            *verdict(ticket, agent, policy=policy, at=NOON),
            unassigned_penalty(ticket, policy=policy, at=NOON),
        ]
        for ticket, agent in SAMPLES
    ]
    text = json.dumps(
        [weights, results, policy.lower_skills({"cards": 4, "loans": 1}, 2, gives_way=["loans"])],
        sort_keys=True,
    )
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def test_the_code_gives_the_results_of_the_newest_policy_version() -> None:
    assert fingerprint(POLICY) == GOLDEN[max(GOLDEN)], CHANGED + fingerprint(POLICY)


@pytest.mark.django_db
def test_the_newest_stored_version_equals_the_defaults_of_the_rules() -> None:
    newest = PolicyVersion.objects.latest("version")

    assert newest.version == max(GOLDEN), CHANGED + fingerprint(newest.rules())
    assert newest.rules() == replace(POLICY, version=newest.version)


def test_a_policy_is_unchanged_by_a_round_trip_through_json() -> None:
    stored = json.loads(json.dumps(POLICY.as_json()))

    assert Policy.from_json(stored) == POLICY
