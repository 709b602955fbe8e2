"""What must hold: after every step (S), once the scheduler has ticked or all faults have ended (L).

Each standing invariant is a query for whatever breaks it, so that the database itself is asked,
not the code under test. The letters are those of the project's table of invariants.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import connection

from tests.dispatch.model.world import LAG

PENDING = "('sent', 'shown')"
#: "Not now" is no for so long.
NOT_NOW = "interval '2 minutes'"
BEHIND = f"interval '{LAG.total_seconds()} s'"
REFUSED = "('sent', 'shown', 'declined')"
# Equal to agents.pay.quotes by the words of its docstring, not by its code.
MINUTES = """round((o.pay->>'per_minute')::numeric / 60
    * greatest(ceil(extract(epoch FROM a.finished_at - a.started_at)), 0))"""
PROMISED = f"""greatest((o.pay->>'amount')::numeric, {MINUTES} + (
    SELECT coalesce(sum((line->>'amount')::numeric), 0) 
    FROM jsonb_array_elements(o.pay->'lines') line
    WHERE line->>'kind' IN ('ticket', 'skill', 'language')))"""

STANDING = {
    "S1 several hold one ticket": """
        SELECT ticket_id FROM dispatch_assignment WHERE ended_at IS NULL
        GROUP BY 1 HAVING count(*) > 1""",
    "S1 too many are asked": f"""
        SELECT ticket_id FROM dispatch_offer WHERE status IN {PENDING}
        GROUP BY 1 HAVING count(*) > 3 OR count(DISTINCT agent_id) < count(*)
            OR count(DISTINCT slot) < count(*)""",
    "S1 not asked alone for long enough": f"""
        SELECT a.ticket_id FROM dispatch_offer a JOIN dispatch_offer b USING (ticket_id)
        WHERE a.status IN {PENDING} AND b.status IN {PENDING}
            AND (b.sent_at, b.id) > (a.sent_at, a.id)
            AND b.sent_at < a.sent_at - {BEHIND} + interval '1 s' * (
                SELECT min(exclusive_for) FROM dispatch_policyversion)""",
    "S1 asked one who passed": f"""
        SELECT b.id FROM dispatch_offer a JOIN dispatch_offer b USING (ticket_id, agent_id)
        WHERE a.status = 'declined' AND b.id > a.id
            AND NOT (a.may_reoffer AND b.sent_at >= a.settled_at + {NOT_NOW} - {BEHIND})""",
    "S2 load is not what they hold": f"""
        SELECT agent_id FROM agents_presence p WHERE load <> (
            SELECT count(*) FROM dispatch_offer o
            WHERE o.agent_id = p.agent_id AND o.status IN {PENDING}
        ) + (SELECT count(*) FROM dispatch_assignment a
            WHERE a.agent_id = p.agent_id AND a.finished_at IS NULL)""",
    "S2 more than their capacity": "SELECT agent_id FROM agents_presence WHERE load > capacity",
    "S3 accepted too late": """
        SELECT id FROM dispatch_offer WHERE status = 'accepted' AND settled_at >= expires_at""",
    "S3 a minute cut short": """
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
    "S5 asked for a ticket that does not wait": f"""
        SELECT t.id FROM tickets_ticket t JOIN dispatch_offer o ON o.ticket_id = t.id
        WHERE t.status <> 'queued' AND o.status IN {PENDING}""",
    "S5 an ended ticket is held": """
        SELECT t.id FROM tickets_ticket t JOIN dispatch_assignment a ON a.ticket_id = t.id
        WHERE t.status NOT IN ('queued', 'active') AND a.ended_at IS NULL""",
    "S5 counts as asked for, and nobody is asked": f"""
        SELECT t.id FROM tickets_ticket t WHERE t.status = 'queued' AND t.offered AND NOT EXISTS (
            SELECT 1 FROM dispatch_offer o WHERE o.ticket_id = t.id AND o.status IN {PENDING})""",
    "S5 presence and its history differ": """
        SELECT p.agent_id FROM agents_presence p
        LEFT JOIN agents_presencespan s ON s.agent_id = p.agent_id AND s.ended_at IS NULL
        WHERE coalesce(s.status, 'offline') <> p.status""",
    "Q1 less is asked for than the steps taken allow": """
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
    "S10 paid for nothing finished": """
        SELECT e.id FROM agents_journalentry e
        LEFT JOIN dispatch_assignment a ON a.id = e.source_id AND a.finished_at IS NOT NULL
        WHERE e.source_type <> 'assignment' OR a.agent_id IS DISTINCT FROM e.agent_id""",
    "S13 messages are not numbered without gaps": """
        SELECT t.id FROM tickets_ticket t LEFT JOIN tickets_message m ON m.ticket_id = t.id
        GROUP BY t.id HAVING count(m.id) <> t.last_seq
            OR coalesce(max(m.seq), 0) <> t.last_seq OR coalesce(min(m.seq), 1) <> 1""",
    "S14 told before what came first": """
        SELECT late.id FROM tickets_webhookdelivery late JOIN tickets_webhookdelivery early
            USING (endpoint_id, ticket_id)
        WHERE early.version < late.version AND late.delivered_at IS NOT NULL
            AND early.delivered_at IS NULL AND early.dead_at IS NULL""",
    "S16 an end, and no news of it": """
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
    "L3 an offer to one who is not available": f"""
        SELECT o.id FROM dispatch_offer o JOIN agents_presence p USING (agent_id)
        WHERE o.status IN {PENDING} AND p.status <> 'available'""",
    "L4 held by one who is gone": """
        SELECT a.id FROM dispatch_assignment a JOIN agents_presence p USING (agent_id)
        WHERE a.finished_at IS NULL AND (p.status = 'offline'
            OR p.seen_at <= clock_timestamp() - interval '45 s')""",
    "L4 wrapping up for too long": """
        SELECT id FROM dispatch_assignment
        WHERE finished_at IS NULL AND wrap_up_by <= clock_timestamp()""",
    "L2 out of patience, and not told": f"""
        SELECT t.id FROM tickets_ticket t WHERE t.status = 'queued'
            AND t.give_up_at <= clock_timestamp() AND NOT EXISTS (SELECT 1 FROM dispatch_offer o
                WHERE o.ticket_id = t.id AND o.status IN {PENDING})""",
    "L6 somebody able is free, and a ticket waits": f"""
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
    "L1 neither ended nor held by somebody there": """
        SELECT t.id FROM tickets_ticket t WHERE t.status = 'queued' OR t.status = 'active'
            AND NOT EXISTS (
                SELECT 1 FROM dispatch_assignment a JOIN agents_presence p USING (agent_id)
                WHERE a.ticket_id = t.id AND a.ended_at IS NULL
                    AND p.seen_at > clock_timestamp() - interval '45 s')""",
}
NEWS_IN_THE_END = {
    "L5 news neither delivered nor given up": """
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

#: Where a ticket may go from where it was; whatever else it is, it is for ever.
NEXT = {
    "queued": {"active", "handed_back", "unavailable", "abandoned"},
    "active": {"queued", "resolved", "handed_back", "abandoned"},
}


@dataclass(frozen=True)
class State:
    """What there is, by id, oldest first; each row as STATE lists it, without the id."""

    tickets: Mapping[str, list[Any]]
    offers: Mapping[str, list[Any]]
    assignments: Mapping[str, list[Any]]
    agents: Mapping[str, list[Any]]
    #: Which standing invariants are broken, and by what.
    broken: list[str]

    def holds(self, assignment: str) -> bool:
        """Whether this is the newest hold on a ticket that is talked about, and not over."""
        ticket, _agent, epoch, ended_at, *_ = self.assignments[assignment]
        status, newest, *_ = self.tickets[ticket]
        return ended_at is None and status == "active" and epoch == newest


def breaking(queries: Mapping[str, str]) -> str:
    """The query for what breaks any of these: the invariant and the row."""
    return " UNION ALL ".join(
        f"SELECT '{name}: ' || id FROM ({query}) AS found(id)" for name, query in queries.items()
    )


def broken(queries: Mapping[str, str]) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(breaking(queries))
        return sorted(found for (found,) in cursor.fetchall())


LOOK = f"SELECT ({STATE}), ARRAY({breaking(STANDING)})"


def look() -> State:
    """What there is now."""
    with connection.cursor() as cursor:
        cursor.execute(LOOK)
        found, wrong = cursor.fetchone()
    rows = {kind: {pk: row for pk, *row in rows or []} for kind, rows in found.items()}
    return State(**rows, broken=sorted(wrong))


def moved_wrongly(before: State, after: State) -> Iterator[str]:
    """What one step changed and must not have."""
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
            yield f"S17 asked one who is not free: {offer}"
        if before.tickets[ticket][0] != "queued":
            yield f"S17 asked for a ticket that does not wait: {offer}"
