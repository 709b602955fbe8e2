"""How a wave's outcome is written: offers, agents' places, tickets' marks and the decision at once.

One statement, whatever the number of offers: each of its parts would be a round trip of its own on
the path where every millisecond counts.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from django.db import connection

from dispatch import policies
from dispatch.models import SHOWN_WITHIN, Decision, Offer
from dispatch.realtime import push
from dispatch.rules.policy import Policy

# Agents and tickets are named in lists as well: of drafts PostgreSQL expects a hundred, and would
# read every agent's row. Whoever somebody else reserves or releases at this very moment counts as
# full: nobody waits. What this statement itself inserts it doesn't see, so an offer made adds one
# to those counted. Where as many are asked as may be, no time is set for asking another.
# What is lost in a crash of the database's machine is found waiting and offered again, so nobody
# waits for the disk either.
SAVE_SQL = """
WITH draft AS (
    SELECT * FROM json_to_recordset(%(drafts)s::json) d(
        id uuid, ticket_id uuid, agent_id uuid, slot int, pay jsonb, reasons jsonb)
), free AS (
    SELECT agent_id FROM agents_presence
    WHERE agent_id = ANY(%(agents)s::uuid[]) AND load < capacity
    ORDER BY agent_id FOR UPDATE SKIP LOCKED
), reserved AS (
    UPDATE agents_presence p SET load = load + 1 FROM free WHERE p.agent_id = free.agent_id
    RETURNING p.agent_id
), decided AS (
    INSERT INTO dispatch_decision (id, policy_id, at, seen, pairs)
    SELECT %(decision)s::uuid, %(policy)s, %(at)s, %(seen)s::bytea, %(pairs)s::text::jsonb
    WHERE %(decision)s::uuid IS NOT NULL
), made AS (
    INSERT INTO dispatch_offer (
        id, ticket_id, agent_id, decision_id, slot, status, pay, reasons, sent_at, expires_at,
        declined_because, may_reoffer, auto_accepted
    )
    SELECT d.id, d.ticket_id, d.agent_id, %(decision)s::uuid, d.slot, 'sent', d.pay, d.reasons,
        %(at)s, %(expires_at)s, '', false, false
    FROM draft d JOIN reserved USING (agent_id)
    RETURNING id, ticket_id
), marked AS (
    UPDATE tickets_ticket t SET offered = true, reoffer_at = CASE WHEN (
        SELECT count(*) + 1 FROM dispatch_offer o
        WHERE o.ticket_id = t.id AND o.status IN ('sent', 'shown')
    ) < %(most)s THEN %(again)s::timestamptz END
    FROM made WHERE t.id = made.ticket_id AND t.id = ANY(%(tickets)s::uuid[])
)
SELECT id, set_config('synchronous_commit', 'off', true) FROM made
"""


def save(drafts: Sequence[Offer], *, decision: Decision | None = None, at: datetime) -> list[Offer]:
    """Send these offers, each to another agent; returns those whose agent had a place left.

    Call with the tickets locked. Raises IntegrityError where a ticket has a pending offer in the
    same slot.
    """
    if not drafts:
        return []
    made = _write(drafts, decision=decision, policy=policies.read_in_force(at=at), at=at)
    push.offers(made)
    return made


def _write(
    drafts: Sequence[Offer], *, decision: Decision | None, policy: Policy, at: datetime
) -> list[Offer]:
    expires_at = at + SHOWN_WITHIN
    given = _decision(decision) | {"at": at, "expires_at": expires_at}
    given["drafts"] = orjson.dumps([_row(offer) for offer in drafts]).decode()
    given["agents"] = [offer.agent_id for offer in drafts]
    given["tickets"] = [offer.ticket_id for offer in drafts]
    given["again"] = at + timedelta(seconds=policy.exclusive_for)
    given["most"] = policy.max_parallel_offers
    with connection.cursor() as cursor:
        cursor.execute(SAVE_SQL, given)
        ids: set[UUID] = {pk for pk, _ in cursor.fetchall()}
    made = [offer for offer in drafts if offer.pk in ids]
    for offer in made:
        offer.sent_at, offer.expires_at = at, expires_at
        offer.decision_id = decision.pk if decision else None
    return made


def _row(offer: Offer) -> dict[str, Any]:
    columns = ("id", "ticket_id", "agent_id", "slot", "pay", "reasons")
    return {name: getattr(offer, name) for name in columns}


def _decision(decision: Decision | None) -> dict[str, Any]:
    if decision is None:
        return {"decision": None, "policy": None, "seen": None, "pairs": None}
    return {
        "decision": decision.pk,
        "policy": decision.policy_id,
        "seen": decision.seen,
        "pairs": orjson.dumps(decision.pairs).decode(),
    }
