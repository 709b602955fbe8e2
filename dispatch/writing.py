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

from dispatch.models import SHOWN_WITHIN, Decision, Offer
from dispatch.policy import Policy

# Whoever somebody else reserves or releases at this very moment counts as full: nobody waits. What
# this statement itself inserts it doesn't see, so an offer made adds one to those counted. Where as
# many are asked as may be, no time is set for asking another.
WRITE = """
WITH draft AS (
    SELECT * FROM unnest(
        %(ids)s::uuid[], %(tickets)s::uuid[], %(agents)s::uuid[], %(places)s::int[],
        %(pay)s::text[], %(reasons)s::text[]
    ) d(id, ticket_id, agent_id, place, pay, reasons)
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
        id, ticket_id, agent_id, decision_id, place, status, pay, reasons, sent_at, expires_at,
        declined_because, again, rolling
    )
    SELECT d.id, d.ticket_id, d.agent_id, %(decision)s::uuid, d.place, 'sent', d.pay::jsonb,
        d.reasons::jsonb, %(at)s, %(expires_at)s, '', false, false
    FROM draft d JOIN reserved USING (agent_id)
    RETURNING id, ticket_id
), asked AS (
    UPDATE tickets_ticket t SET asked = true, ask_again_at = CASE WHEN (
        SELECT count(*) + 1 FROM dispatch_offer o
        WHERE o.ticket_id = t.id AND o.status IN ('sent', 'shown')
    ) < %(most)s THEN %(again)s::timestamptz END
    FROM made WHERE t.id = made.ticket_id
)
SELECT id FROM made
"""


def write(
    drafts: Sequence[Offer], *, decision: Decision | None, policy: Policy, at: datetime
) -> list[Offer]:
    """Write these offers and the decision behind them; returns those whose agent had a place left.

    Call with the tickets locked.
    """
    expires_at = at + SHOWN_WITHIN
    moments = {"at": at, "expires_at": expires_at}
    further = {
        "again": at + timedelta(seconds=policy.exclusive_for),
        "most": policy.max_parallel_offers,
    }
    with connection.cursor() as cursor:
        cursor.execute(WRITE, _columns(drafts) | _decision(decision) | moments | further)
        ids: set[UUID] = {pk for (pk,) in cursor.fetchall()}
    made = [offer for offer in drafts if offer.pk in ids]
    for offer in made:
        offer.sent_at, offer.expires_at = at, expires_at
        offer.decision_id = decision.pk if decision else None
    return made


def _columns(drafts: Sequence[Offer]) -> dict[str, Any]:
    return {
        "ids": [offer.pk for offer in drafts],
        "tickets": [offer.ticket_id for offer in drafts],
        "agents": [offer.agent_id for offer in drafts],
        "places": [offer.place for offer in drafts],
        "pay": [orjson.dumps(offer.pay).decode() for offer in drafts],
        "reasons": [orjson.dumps(offer.reasons).decode() for offer in drafts],
    }


def _decision(decision: Decision | None) -> dict[str, Any]:
    if decision is None:
        return {"decision": None, "policy": None, "seen": None, "pairs": None}
    return {
        "decision": decision.pk,
        "policy": decision.policy_id,
        "seen": decision.seen,
        "pairs": orjson.dumps(decision.pairs).decode(),
    }
