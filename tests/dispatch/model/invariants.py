"""The invariants: after every step (S), and after a tick or once all faults have ended (L).

Each is a query for the rows that break it, so that the check does not use the code under test. The
letters are those of the project's table of invariants.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import connection

from tests.dispatch.model.world import LAG

PENDING = "('sent', 'shown')"
#: After "not now" an agent is not offered the ticket for this long.
NOT_NOW = "interval '2 minutes'"
BEHIND = f"interval '{LAG.total_seconds()} s'"
REFUSED = "('sent', 'shown', 'declined')"
# The rule of agents.pay.quotes, written again from its docstring so that the code is checked.
MINUTES = """round((o.pay->>'per_minute')::numeric / 60
    * greatest(ceil(extract(epoch FROM a.finished_at - a.started_at)), 0))"""
PROMISED = f"""greatest((o.pay->>'amount')::numeric, {MINUTES} + (
    SELECT coalesce(sum((line->>'amount')::numeric), 0) 
    FROM jsonb_array_elements(o.pay->'lines') line
    WHERE line->>'kind' IN ('ticket', 'skill', 'language')))"""

STANDING = {
    "S1 several open assignments of a ticket": """
        SELECT ticket_id FROM dispatch_assignment WHERE ended_at IS NULL
        GROUP BY 1 HAVING count(*) > 1""",
    "S1 too many pending offers of a ticket": f"""
        SELECT ticket_id FROM dispatch_offer WHERE status IN {PENDING}
        GROUP BY 1 HAVING count(*) > 3 OR count(DISTINCT agent_id) < count(*)
            OR count(DISTINCT slot) < count(*)""",
    "S1 exclusive time cut short": f"""
        SELECT a.ticket_id FROM dispatch_offer a JOIN dispatch_offer b USING (ticket_id)
        WHERE a.status IN {PENDING} AND b.status IN {PENDING}
            AND (b.sent_at, b.id) > (a.sent_at, a.id)
            AND b.sent_at < a.sent_at - {BEHIND} + interval '1 s' * (
                SELECT min(exclusive_for) FROM dispatch_policyversion)""",
    "S1 offered again after a decline": f"""
        SELECT b.id FROM dispatch_offer a JOIN dispatch_offer b USING (ticket_id, agent_id)
        WHERE a.status = 'declined' AND b.id > a.id
            AND NOT (a.may_reoffer AND b.sent_at >= a.settled_at + {NOT_NOW} - {BEHIND})""",
    "S2 load differs from the rows": f"""
        SELECT agent_id FROM agents_presence p WHERE load <> (
            SELECT count(*) FROM dispatch_offer o
            WHERE o.agent_id = p.agent_id AND o.status IN {PENDING}
        ) + (SELECT count(*) FROM dispatch_assignment a
            WHERE a.agent_id = p.agent_id AND a.finished_at IS NULL)""",
    "S2 load above capacity": "SELECT agent_id FROM agents_presence WHERE load > capacity",
    "S3 accepted too late": """
        SELECT id FROM dispatch_offer WHERE status = 'accepted' AND settled_at >= expires_at""",
    "S3 answer time cut short": """
        SELECT id FROM dispatch_offer
        WHERE status = 'expired' AND settled_at < shown_at + interval '60 s'
           OR status = 'missed_connectivity' AND settled_at < sent_at + interval '20 s'""",
    "S5 a waiting ticket is held": """
        SELECT t.id FROM tickets_ticket t JOIN dispatch_assignment a ON a.ticket_id = t.id
        WHERE t.status = 'queued' AND a.ended_at IS NULL""",
    "S5 an active ticket is not held by its newest agent": """
        SELECT t.id FROM tickets_ticket t WHERE t.status = 'active' AND 1 <> (
            SELECT count(*) FROM dispatch_assignment a
            WHERE a.ticket_id = t.id AND a.ended_at IS NULL AND a.epoch = t.epoch)""",
    "S5 offer of a ticket that is not queued": f"""
        SELECT t.id FROM tickets_ticket t JOIN dispatch_offer o ON o.ticket_id = t.id
        WHERE t.status <> 'queued' AND o.status IN {PENDING}""",
    "S5 an ended ticket is held": """
        SELECT t.id FROM tickets_ticket t JOIN dispatch_assignment a ON a.ticket_id = t.id
        WHERE t.status NOT IN ('queued', 'active') AND a.ended_at IS NULL""",
    "S5 marked as offered without a pending offer": f"""
        SELECT t.id FROM tickets_ticket t WHERE t.status = 'queued' AND t.offered AND NOT EXISTS (
            SELECT 1 FROM dispatch_offer o WHERE o.ticket_id = t.id AND o.status IN {PENDING})""",
    "S5 presence and its history differ": """
        SELECT p.agent_id FROM agents_presence p
        LEFT JOIN agents_presencespan s ON s.agent_id = p.agent_id AND s.ended_at IS NULL
        WHERE coalesce(s.status, 'offline') <> p.status""",
    "Q1 lower levels than the lowering steps allow": """
        SELECT t.id FROM tickets_ticket t, jsonb_each_text(t.skills) need
        WHERE NOT need.key = ANY(t.gives_way) AND position(
            ' ' || need.key || ':' || greatest(need.value::int - t.times_lowered, 1)
            IN t.lane) = 0""",
    "Q1 lowered before the promise was over": """
        SELECT t.id FROM tickets_ticket t JOIN tickets_client c ON c.id = t.client_id
        WHERE t.times_lowered > 0 AND clock_timestamp() < t.queued_at + c.answer_within""",
    "S8 an entry does not balance": """
        SELECT e.id FROM agents_journalentry e LEFT JOIN agents_journalline l ON l.entry_id = e.id
        GROUP BY e.id, l.currency HAVING coalesce(sum(l.amount), 1) <> 0""",
    "S9 paid another amount than the rules say": f"""
        SELECT a.id FROM dispatch_assignment a JOIN dispatch_offer o ON o.id = a.offer_id
        WHERE a.paid IS DISTINCT FROM CASE WHEN a.finished_at IS NULL THEN NULL
            WHEN a.ending = 'lost' THEN {MINUTES} ELSE {PROMISED} END""",
    "S9 not paid exactly once": """
        SELECT a.id FROM dispatch_assignment a
        LEFT JOIN agents_journalentry e ON e.source_id = a.id AND e.kind = 'earning'
        LEFT JOIN agents_journalline l ON l.entry_id = e.id
            AND l.account = 'agent:' || a.agent_id || ':payable'
        GROUP BY a.id HAVING count(e.id) <> CASE WHEN a.paid > 0 THEN 1 ELSE 0 END
            OR coalesce(sum(-l.amount), 0) <> coalesce(a.paid, 0)""",
    "S10 paid without a finished assignment": """
        SELECT e.id FROM agents_journalentry e
        LEFT JOIN dispatch_assignment a ON a.id = e.source_id AND a.finished_at IS NOT NULL
        WHERE e.source_type <> 'assignment' OR a.agent_id IS DISTINCT FROM e.agent_id""",
    "S13 messages are not numbered without gaps": """
        SELECT t.id FROM tickets_ticket t LEFT JOIN tickets_message m ON m.ticket_id = t.id
        GROUP BY t.id HAVING count(m.id) <> t.last_seq
            OR coalesce(max(m.seq), 0) <> t.last_seq OR coalesce(min(m.seq), 1) <> 1""",
    "S14 webhooks delivered out of order": """
        SELECT late.id FROM tickets_webhookdelivery late JOIN tickets_webhookdelivery early
            USING (endpoint_id, ticket_id)
        WHERE early.version < late.version AND late.delivered_at IS NOT NULL
            AND early.delivered_at IS NULL AND early.dead_at IS NULL""",
    "S16 an ending without its webhook": """
        SELECT t.id FROM tickets_ticket t
        WHERE t.status IN ('resolved', 'handed_back', 'unavailable') AND NOT EXISTS (
            SELECT 1 FROM tickets_webhookdelivery d WHERE d.ticket_id = t.id
                AND d.version = t.version AND d.type = 'ticket.' || t.status)""",
}

WAITS = "t.status = 'queued' AND NOT t.offered AND t.give_up_at > clock_timestamp()"
FREE = """p.status = 'available' AND p.load < p.capacity
    AND p.seen_at > clock_timestamp() - interval '45 s'"""
AFTER_A_TICK = {
    "L3 an offer outlived its time": f"""
        SELECT id FROM dispatch_offer
        WHERE status IN {PENDING} AND expires_at <= clock_timestamp()""",
    "L3 an offer to an unavailable agent": f"""
        SELECT o.id FROM dispatch_offer o JOIN agents_presence p USING (agent_id)
        WHERE o.status IN {PENDING} AND p.status <> 'available'""",
    "L4 held by an agent who is gone": """
        SELECT a.id FROM dispatch_assignment a JOIN agents_presence p USING (agent_id)
        WHERE a.finished_at IS NULL AND (p.status = 'offline'
            OR p.seen_at <= clock_timestamp() - interval '45 s')""",
    "L4 wrapping up for too long": """
        SELECT id FROM dispatch_assignment
        WHERE finished_at IS NULL AND wrap_up_by <= clock_timestamp()""",
    "L2 past its patience and not given up": f"""
        SELECT t.id FROM tickets_ticket t WHERE t.status = 'queued'
            AND t.give_up_at <= clock_timestamp() AND NOT EXISTS (SELECT 1 FROM dispatch_offer o
                WHERE o.ticket_id = t.id AND o.status IN {PENDING})""",
    "L6 a ticket waits while an agent could serve it": f"""
        SELECT t.id
        FROM tickets_ticket t, agents_presence p JOIN agents_agent a ON a.id = p.agent_id
        WHERE {WAITS} AND {FREE} AND a.status = 'approved'
            AND EXISTS (SELECT 1 FROM agents_agentlanguage l
                WHERE l.agent_id = a.id AND l.language = t.language)
            AND NOT EXISTS (SELECT 1 FROM jsonb_each_text(t.skills) need WHERE NOT EXISTS (
                SELECT 1 FROM agents_agentskill s WHERE s.agent_id = a.id AND s.skill = need.key
                    AND s.level >= greatest(need.value::int - t.times_lowered, 1))
                AND position(need.key || ':' IN t.lane) > 0)
            AND NOT EXISTS (SELECT 1 FROM dispatch_offer o WHERE o.ticket_id = t.id
                AND o.agent_id = a.id AND o.status IN {REFUSED}
                AND NOT (o.may_reoffer AND o.settled_at < clock_timestamp() - {NOT_NOW}))
            AND NOT EXISTS (SELECT 1 FROM dispatch_customeraffinity q WHERE q.agent_id = a.id
                AND q.client_id = t.client_id AND q.customer_ref = t.customer_ref
                AND q.blocked_at IS NOT NULL)""",
}
IN_THE_END = {
    "L1 neither ended nor held by a present agent": """
        SELECT t.id FROM tickets_ticket t WHERE t.status = 'queued' OR t.status = 'active'
            AND NOT EXISTS (
                SELECT 1 FROM dispatch_assignment a JOIN agents_presence p USING (agent_id)
                WHERE a.ticket_id = t.id AND a.ended_at IS NULL
                    AND p.seen_at > clock_timestamp() - interval '45 s')""",
}
WEBHOOKS_IN_THE_END = {
    "L5 a webhook neither delivered nor given up": """
        SELECT id FROM tickets_webhookdelivery WHERE delivered_at IS NULL AND dead_at IS NULL""",
}

STATE = """
SELECT json_build_object(
    'tickets', (SELECT json_agg(json_build_array(
        id, status, epoch, version, last_seq, closed_at, disposition) ORDER BY id)
        FROM tickets_ticket),
    'offers', (SELECT json_agg(json_build_array(id, ticket_id, agent_id, status) ORDER BY id)
        FROM dispatch_offer),
    'assignments', (SELECT json_agg(json_build_array(
        id, ticket_id, agent_id, epoch, ended_at, ending, finished_at) ORDER BY id)
        FROM dispatch_assignment),
    'agents', (SELECT json_agg(
        json_build_array(a.id, a.status = 'approved' AND {free}) ORDER BY a.id)
        FROM agents_agent a JOIN agents_presence p ON p.agent_id = a.id))
""".replace("{free}", FREE)

#: The next statuses of a ticket. Every other status is final.
NEXT = {
    "queued": {"active", "handed_back", "unavailable", "abandoned"},
    "active": {"queued", "resolved", "handed_back", "abandoned"},
}


@dataclass(frozen=True)
class State:
    """All rows by id, oldest first; each as STATE lists it, without the id."""

    tickets: Mapping[str, list[Any]]
    offers: Mapping[str, list[Any]]
    assignments: Mapping[str, list[Any]]
    agents: Mapping[str, list[Any]]
    #: The breaches of standing invariants: name and row.
    broken: list[str]

    def is_current(self, assignment: str) -> bool:
        """True if this assignment is open and of the newest epoch of an active ticket."""
        ticket, _agent, epoch, ended_at, *_ = self.assignments[assignment]
        status, newest, *_ = self.tickets[ticket]
        return ended_at is None and status == "active" and epoch == newest


def build_breach_query(queries: Mapping[str, str]) -> str:
    """The query for all breaches of these invariants: name and row."""
    return " UNION ALL ".join(
        f"SELECT '{name}: ' || id FROM ({query}) AS found(id)" for name, query in queries.items()
    )


def find_breaches(queries: Mapping[str, str]) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(build_breach_query(queries))
        return sorted(found for (found,) in cursor.fetchall())


READ_STATE = f"SELECT ({STATE}), ARRAY({build_breach_query(STANDING)})"


def read_state() -> State:
    """Read all rows and all breaches in one statement."""
    with connection.cursor() as cursor:
        cursor.execute(READ_STATE)
        found, wrong = cursor.fetchone()
    rows = {kind: {pk: row for pk, *row in rows or []} for kind, rows in found.items()}
    return State(**rows, broken=sorted(wrong))


def find_wrong_changes(before: State, after: State) -> Iterator[str]:
    """The changes of one step that are not allowed."""
    for ticket, (was, *counts, closed_at, disposition) in before.tickets.items():
        status, *now, closed_now, disposed_now = after.tickets.get(ticket, ["lost", -1, None, None])
        if status != was and status not in NEXT.get(was, ()):
            yield f"S6 from {was} to {status}: {ticket}"
        if was not in NEXT and [closed_at, disposition] != [closed_now, disposed_now]:
            yield f"S7 changed after its end: {ticket}"
        if any(later < earlier for earlier, later in zip(counts, now, strict=False)):
            yield f"S14 a number fell: {ticket}"
    for offer, row in before.offers.items():
        if row[-1] not in ("sent", "shown") and after.offers.get(offer) != row:
            yield f"S7 an answered offer changed: {offer}"
    for held, (*_, ended_at, ending, finished_at) in before.assignments.items():
        *_, ended_now, ending_now, finished_now = after.assignments[held]
        if ended_at and [ended_at, ending] != [ended_now, ending_now]:
            yield f"S7 an end changed: {held}"
        if finished_at and finished_at != finished_now:
            yield f"S7 finished twice: {held}"
    for offer in after.offers.keys() - before.offers.keys():
        ticket, agent, _status = after.offers[offer]
        if not before.agents[agent][0]:
            yield f"S17 offered to an agent who is not free: {offer}"
        if before.tickets[ticket][0] != "queued":
            yield f"S17 offer of a ticket that is not queued: {offer}"
