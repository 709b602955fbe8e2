"""What must always be true, each as a query for the rows that break it (S: always; L: soon).

Not here, since no row tells of it: S10 (payouts), of which there are none yet; S15 (each reading of
a transcript is on record) and S16 (nothing leaves before it is committed), held by the tests of the
pages and of the outbox. Of S6 and S7 rows tell the ends only; that no verb leaves the path between
them is held by its one conditional UPDATE, and by tests/dispatch/test_races.py.

A query sees one moment, and verbs commit whole, so there is nothing to excuse. Only moments that
were read before a lock was waited for may be out of order, by less than SLACK.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Count, Exists, F, OuterRef, Subquery
from django.db.models.functions import Coalesce

from agents.models import Presence
from dispatch.models import Assignment, Offer
from dispatch.rules.limits import MOST_AT_ONCE
from tickets.models import Ticket, WebhookDelivery

SLACK = timedelta(seconds=15)
#: What falls due is done this soon, whatever died meanwhile.
SOON = timedelta(seconds=60)
MOST_SUBJECTS = 100


class Window(NamedTuple):
    """When it is, and from when on rows that are done with are looked at."""

    at: datetime
    since: datetime


class Invariant(NamedTuple):
    """The kind of row that is broken ("ticket"), and a query for such rows, in SQL or of models."""

    noun: str
    broken: str | Callable[[Window], Any]


def subjects(invariant: Invariant, window: Window) -> list[str]:
    """Those that break it, "ticket:0192…", a hundred at most."""
    if callable(invariant.broken):
        found = [(pk,) for pk in invariant.broken(window)[:MOST_SUBJECTS]]
    else:
        given: dict[str, Any] = {
            "at": window.at,
            "since": window.since,
            "slack": SLACK,
            "most": MOST_SUBJECTS,
        }
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT * FROM ({invariant.broken}) broken LIMIT %(most)s", given)
            found = cursor.fetchall()
    return [f"{invariant.noun}:{pk}" for (pk,) in found]


def many_offers(_window: Window) -> Any:
    counted = Offer.objects.pending().order_by().values("ticket").annotate(many=Count("pk"))
    return counted.filter(many__gt=MOST_AT_ONCE).values_list("ticket", flat=True)


def wrong_load(_window: Window) -> Any:
    """Load is pending offers and unfinished assignments, and fits."""
    offers = Offer.objects.pending().filter(agent=OuterRef("agent"))
    work = Assignment.objects.unfinished().filter(agent=OuterRef("agent"))
    held = [
        Coalesce(Subquery(rows.order_by().values("agent").annotate(n=Count("pk")).values("n")), 0)
        for rows in (offers, work)
    ]
    counted = Presence.objects.annotate(held=held[0] + held[1])
    return counted.exclude(load=F("held"), load__lte=F("capacity")).values_list("pk", flat=True)


def offers_of_the_answered(_window: Window) -> Any:
    astray = Offer.objects.pending().exclude(ticket__status=Ticket.Status.QUEUED)
    return astray.values_list("pk", flat=True)


def never_told(window: Window) -> Any:
    """While an offer is out, somebody may be reading it."""
    asked = Offer.objects.pending().filter(ticket=OuterRef("pk"))
    late = Ticket.objects.queued().filter(~Exists(asked), give_up_at__lt=window.at - SOON)
    return late.values_list("pk", flat=True)


def never_settled(window: Window) -> Any:
    late = Offer.objects.pending().filter(expires_at__lt=window.at - SOON)
    return late.values_list("pk", flat=True)


def never_sent(window: Window) -> Any:
    late = WebhookDelivery.objects.untried(at=window.at - SOON)
    return late.values_list("pk", flat=True)


INVARIANTS: dict[str, Invariant] = {
    "s1_offers_of_a_ticket": Invariant("ticket", many_offers),
    "s1_conversations_of_a_ticket": Invariant(
        "ticket",
        """
        SELECT ticket_id FROM dispatch_assignment WHERE ended_at IS NULL
        GROUP BY ticket_id HAVING count(*) > 1""",
    ),
    "s2_load": Invariant("agent", wrong_load),
    # Those whom a wave could ask stand in line, and nobody else does.
    "s2_line": Invariant(
        "agent",
        """
        SELECT p.agent_id FROM agents_presence p
        WHERE array_to_string(p.abilities, ' ') LIKE '%%/1%%'
        AND (p.status = 'available' AND p.load < p.capacity)
            <> EXISTS (SELECT 1 FROM agents_freeagententry f WHERE f.agent_id = p.agent_id)""",
    ),
    "s3_accepted_in_time": Invariant(
        "offer",
        """
        SELECT id FROM dispatch_offer
        WHERE status = 'accepted' AND settled_at >= expires_at AND sent_at >= %(since)s""",
    ),
    "s4_holder": Invariant(
        "assignment",
        """
        SELECT a.id FROM dispatch_assignment a JOIN tickets_ticket t ON t.id = a.ticket_id
        WHERE a.ended_at IS NULL AND a.epoch <> t.epoch""",
    ),
    "s4_late_words": Invariant(
        "message",
        """
        SELECT m.id FROM dispatch_assignment a
        JOIN tickets_message m ON m.ticket_id = a.ticket_id AND m.origin = 'agent'
        WHERE a.ended_at >= %(since)s AND m.at > a.ended_at + %(slack)s
          AND m.client_message_id LIKE a.epoch || ':%%'""",
    ),
    "s5_offers_and_ticket": Invariant("offer", offers_of_the_answered),
    "s5_conversation_and_ticket": Invariant(
        "ticket",
        """
        SELECT t.id FROM tickets_ticket t
        WHERE (t.closed_at IS NULL OR t.closed_at >= %(since)s)
          AND (t.status = 'active') <> EXISTS (
            SELECT 1 FROM dispatch_assignment a WHERE a.ticket_id = t.id AND a.ended_at IS NULL)""",
    ),
    "s6_acceptance": Invariant(
        "offer",
        """
        SELECT o.id FROM dispatch_offer o LEFT JOIN dispatch_assignment a ON a.offer_id = o.id
        WHERE o.sent_at >= %(since)s AND (o.status = 'accepted') <> (a.id IS NOT NULL)""",
    ),
    "s6_resolution": Invariant(
        "ticket",
        """
        SELECT id FROM tickets_ticket
        WHERE (status IN ('queued', 'active')) <> (closed_at IS NULL)
           OR status = 'resolved' AND answered_at IS NULL AND closed_at >= %(since)s""",
    ),
    "s7_one_end": Invariant(
        "ticket",
        """
        SELECT d.ticket_id FROM tickets_webhookdelivery d
        JOIN tickets_ticket t ON t.id = d.ticket_id
        WHERE d.created_at >= %(since)s
          AND d.type IN ('ticket.resolved', 'ticket.handed_back', 'ticket.unavailable')
        GROUP BY d.ticket_id, d.endpoint_id
        HAVING count(*) > 1
            OR bool_or(t.status NOT IN ('resolved', 'handed_back', 'unavailable'))""",
    ),
    "s8_balance": Invariant(
        "entry",
        """
        SELECT e.id FROM agents_journalentry e LEFT JOIN LATERAL (
            SELECT sum(sides) AS sides, max(abs(left_over)) AS left_over FROM (
                SELECT count(*) AS sides, sum(amount) AS left_over
                FROM agents_journalline l WHERE l.entry_id = e.id GROUP BY currency) of_currency
        ) lines ON true
        WHERE e.posted_at >= %(since)s AND (coalesce(sides, 0) < 2 OR left_over <> 0)""",
    ),
    "s8_guards": Invariant(
        "trigger",
        """
        SELECT name FROM unnest(ARRAY[
            'journal_entries_never_change', 'journal_lines_never_change',
            'journal_entries_balance', 'journal_lines_balance', 'pay_never_changes']) name
        WHERE NOT EXISTS (
            SELECT 1 FROM pg_trigger
            WHERE starts_with(tgname::text, 'pgtrigger_' || name) AND tgenabled IN ('O', 'A'))""",
    ),
    "s9_paid_once": Invariant(
        "assignment",
        """
        SELECT a.id FROM dispatch_assignment a LEFT JOIN LATERAL (
            SELECT count(DISTINCT e.id) AS entries, sum(l.amount) AS amount
            FROM agents_journalentry e JOIN agents_journalline l ON l.entry_id = e.id
            WHERE e.source_type = 'assignment' AND e.source_id = a.id
              AND e.kind = 'earning' AND e.version = 1 AND l.amount > 0
        ) earned ON true
        WHERE (a.finished_at IS NULL OR a.finished_at >= %(since)s)
          AND (coalesce(amount, 0) <> coalesce(a.paid, 0) OR entries > 1
            OR (a.finished_at IS NULL) <> (a.paid IS NULL))""",
    ),
    "s9_nothing_else_paid": Invariant(
        "entry",
        """
        SELECT e.id FROM agents_journalentry e
        WHERE e.source_type = 'assignment' AND e.posted_at >= %(since)s AND NOT EXISTS (
            SELECT 1 FROM dispatch_assignment a
            WHERE a.id = e.source_id AND a.agent_id = e.agent_id)""",
    ),
    "s11_one_answer": Invariant(
        "key",
        """
        SELECT max(id) FROM tickets_idempotencykey WHERE created_at >= %(since)s
        GROUP BY client_id, key HAVING count(*) > 1
        UNION
        SELECT k.id FROM tickets_idempotencykey k WHERE k.created_at >= %(since)s
          AND k.status = 201 AND NOT EXISTS (
            SELECT 1 FROM tickets_ticket t WHERE t.client_id = k.client_id AND t.id = CASE
                WHEN k.body->>'ticket' ~ '^[0-9a-f-]{36}$' THEN (k.body->>'ticket')::uuid END)""",
    ),
    "s12_clients_apart": Invariant(
        "delivery",
        """
        SELECT d.id FROM tickets_webhookdelivery d
        JOIN tickets_webhookendpoint e ON e.id = d.endpoint_id
        JOIN tickets_ticket t ON t.id = d.ticket_id
        WHERE d.created_at >= %(since)s AND e.client_id <> t.client_id""",
    ),
    "s13_numbering": Invariant(
        "ticket",
        """
        SELECT t.id FROM tickets_ticket t LEFT JOIN LATERAL (
            SELECT count(*) AS many, coalesce(min(seq), 1) AS first, coalesce(max(seq), 0) AS last
            FROM tickets_message m WHERE m.ticket_id = t.id
        ) said ON true
        WHERE (t.closed_at IS NULL OR t.closed_at >= %(since)s)
          AND (first <> 1 OR last <> many OR last <> t.last_seq)""",
    ),
    "s14_order": Invariant(
        "delivery",
        """
        SELECT later.id FROM tickets_webhookdelivery later
        JOIN tickets_ticket t ON t.id = later.ticket_id
        WHERE later.created_at >= %(since)s AND (later.version > t.version
          OR later.delivered_at IS NOT NULL AND EXISTS (
            SELECT 1 FROM tickets_webhookdelivery d
            WHERE d.endpoint_id = later.endpoint_id AND d.ticket_id = later.ticket_id
              AND d.version < later.version AND NOT EXISTS (
                SELECT 1 FROM tickets_webhookattempt w
                WHERE w.delivery_id = d.id AND w.at <= later.delivered_at)))""",
    ),
    "l1_customer_told": Invariant("ticket", never_told),
    "l3_offer_settled": Invariant("offer", never_settled),
    "l4_lease_ended": Invariant(
        "assignment",
        """
        SELECT a.id FROM dispatch_assignment a JOIN agents_presence p ON p.agent_id = a.agent_id
        WHERE a.finished_at IS NULL AND p.status = 'offline'
          AND greatest(p.since, a.started_at) < %(at)s - interval '60 seconds'""",
    ),
    "l5_event_sent": Invariant("delivery", never_sent),
}
