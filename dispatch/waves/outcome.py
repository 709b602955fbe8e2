"""Saves a wave's outcome: offers, agents' load, ticket columns and the decision.

One statement does it all, because each part would cost a round trip on the hottest path.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from django.db import connection

from dispatch import policies, sql
from dispatch.models import SHOWN_WITHIN, Decision, Offer
from dispatch.realtime import push
from dispatch.rules.policy import Policy

SAVE_SQL = sql.read(__package__, "save_outcome")


def save(drafts: Sequence[Offer], *, decision: Decision | None = None, at: datetime) -> list[Offer]:
    """Send these offers, each to another agent; returns those whose agent still had capacity.

    Call with the tickets locked. Raises IntegrityError if a ticket has a pending offer in the slot.
    """
    if not drafts:
        return []
    made = _write(drafts, decision=decision, policy=policies.read_in_force(at=at), at=at)
    push.send_offers(made)
    return made


def _write(
    drafts: Sequence[Offer], *, decision: Decision | None, policy: Policy, at: datetime
) -> list[Offer]:
    expires_at = at + SHOWN_WITHIN
    given = _build_decision_row(decision) | {"at": at, "expires_at": expires_at}
    given["drafts"] = orjson.dumps([_build_row(offer) for offer in drafts]).decode()
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


def _build_row(offer: Offer) -> dict[str, Any]:
    columns = ("id", "ticket_id", "agent_id", "slot", "pay", "reasons")
    return {name: getattr(offer, name) for name in columns}


def _build_decision_row(decision: Decision | None) -> dict[str, Any]:
    if decision is None:
        return {"decision": None, "policy": None, "seen": None, "pairs": None}
    return {
        "decision": decision.pk,
        "policy": decision.policy_id,
        "seen": decision.seen,
        "pairs": orjson.dumps(decision.pairs).decode(),
    }
