"""A policy changes with a new version only: what each version comes to is written down here."""

import hashlib
import json
from dataclasses import replace
from uuid import UUID

import pytest

from dispatch.models import PolicyVersion
from dispatch.rules.policy import Policy, unassigned_penalty, verdict
from tests.dispatch.cases import HOUR, MINUTE, NOON, POLICY, a_ticket, an_agent

US, THEM = UUID(int=1), UUID(int=2)
#: What each version of the policy comes to: all its weights, and what they make of SAMPLES.
GOLDEN = {
    1: "5eaf3ba58811e9bf",
}
CHANGED = (
    "The policy comes to something else than its newest version did. Decisions are run again under"
    " the version they were made under, so don't edit one: publish the next by a migration like"
    " dispatch/migrations/0002_first_policy.py, and add it to GOLDEN with this fingerprint: "
)
SAMPLES = [
    (ticket, agent)
    for ticket in (
        a_ticket(id=UUID(int=10)),
        a_ticket(
            id=UUID(int=11),
            skills={"cards": 2, "loans": 1},
            urgency=2,
            due_at=NOON - 7 * MINUTE,
            timed_out_by=frozenset({US}),
            known_by=frozenset({THEM}),
        ),
        a_ticket(id=UUID(int=12), due_at=NOON + HOUR, urgency=0, declined_by=frozenset({THEM})),
    )
    for agent in (
        an_agent(
            id=US,
            skills={"cards": 3, "loans": 1},
            reviews=40,
            good_reviews=31,
            scarcity={"en cards": 60, "en fraud": 190},
        ),
        an_agent(
            id=THEM,
            languages={"en": 2},
            skills={"cards": 5, "loans": 4},
            idle_since=NOON - 11 * MINUTE,
            worked_today=7,
        ),
    )
]


def fingerprint(policy: Policy) -> str:
    """Of its weights and of what the code makes of them, whatever its number."""
    weights = {name: value for name, value in policy.as_json().items() if name != "version"}
    told = [
        [
            *verdict(ticket, agent, policy=policy, at=NOON),
            unassigned_penalty(ticket, policy=policy, at=NOON),
        ]
        for ticket, agent in SAMPLES
    ]
    said = json.dumps(
        [weights, told, policy.asked_for({"cards": 4, "loans": 1}, 2, gives_way=["loans"])],
        sort_keys=True,
    )
    return hashlib.sha256(said.encode()).hexdigest()[:16]


def test_the_policy_changes_only_with_a_new_version() -> None:
    assert fingerprint(POLICY) == GOLDEN[max(GOLDEN)], CHANGED + fingerprint(POLICY)


@pytest.mark.django_db
def test_the_newest_version_there_is_says_what_the_rules_say_by_default() -> None:
    newest = PolicyVersion.objects.latest("version")

    assert newest.version == max(GOLDEN), CHANGED + fingerprint(newest.rules())
    assert newest.rules() == replace(POLICY, version=newest.version)


def test_a_policy_is_the_same_after_it_was_stored() -> None:
    stored = json.loads(json.dumps(POLICY.as_json()))

    assert Policy.from_json(stored) == POLICY
