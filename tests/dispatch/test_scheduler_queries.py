"""Every query the scheduler runs each second uses an index, however many old rows there are."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from agents.models import Agent, Presence, User
from dispatch import scheduler
from dispatch.models import Assignment, MatchLatency, Offer, SchedulerHeartbeat
from dispatch.operations import audit, first_offer_latency
from tests import factories
from tickets import clock
from tickets.events import outbox
from tickets.models import Ticket, WebhookDelivery

pytestmark = pytest.mark.django_db

MANY = 4000
BIG = 1000
AN_HOUR_AGO = timedelta(hours=1)

EVERY_SECOND: list[tuple[str, Callable[[], Any]]] = [
    *((name, lambda verb=verb: verb(clock.now())) for name, verb in scheduler.DUE),
    ("latency", lambda: first_offer_latency.count(at=clock.now())),
    ("webhooks", outbox.deliver_due),
    ("webhooks of the dead", outbox.release_dead_claims),
    ("audit", lambda: audit.run_when_due(at=clock.now())),
    ("untried", lambda: WebhookDelivery.objects.untried(at=clock.now()).first()),
    ("pending", lambda: Offer.objects.pending().count()),
    ("lost", lambda: Assignment.objects.filter(ending="lost").count()),
    ("waiting", lambda: list(Ticket.objects.queued().values_list("language"))),
    ("heartbeat", lambda: SchedulerHeartbeat.objects.first()),
]


@pytest.fixture
def many_closed_rows() -> None:
    """Thousands of closed rows of each kind, and a few open ones."""
    at = clock.now() - AN_HOUR_AGO
    client, endpoint = factories.make_client(), factories.make_endpoint()
    users = User.objects.bulk_create(User(username=f"u{n}", password="!") for n in range(MANY))
    agents = Agent.objects.bulk_create(Agent(user=user, name=f"Agent {user.pk}") for user in users)
    Presence.objects.bulk_create(Presence(agent=agent) for agent in agents)
    over = {"status": "resolved", "closed_at": at, "queued_at": at, "due_at": at, "give_up_at": at}
    tickets = Ticket.objects.bulk_create(
        [
            Ticket(client=client, conversation_ref=f"c{n}", language="en", lane="en/1", **over)
            for n in range(MANY)
        ],
        batch_size=1000,
    )
    offers = Offer.objects.bulk_create(
        Offer(
            ticket=ticket, agent=agent, status="accepted", pay={},
            sent_at=at, expires_at=at + AN_HOUR_AGO, settled_at=at,
        )
        for ticket, agent in zip(tickets, agents, strict=True)
    )  # fmt: skip
    Assignment.objects.bulk_create(
        Assignment(
            offer=offer, ticket=offer.ticket, agent=offer.agent, epoch=1,
            started_at=at, ended_at=at, ending="resolved", finished_at=at, paid=0,
        )
        for offer in offers
    )  # fmt: skip
    WebhookDelivery.objects.bulk_create(
        WebhookDelivery(
            ticket=ticket, endpoint=endpoint, type="message.created", version=1, payload={},
            created_at=at, next_attempt_at=at, delivered_at=at, attempts=1,
        )
        for ticket in tickets
    )  # fmt: skip
    factories.make_assignment()
    factories.make_offer(factories.make_ticket(), factories.make_agent())
    factories.make_ticket(at=clock.now() - timedelta(seconds=5))
    factories.make_agent()
    MatchLatency.objects.create(counted_to=at + AN_HOUR_AGO / 2, counts=[0] * 13)
    audit.AuditRun.objects.create(at=clock.now(), breaches=0, took_ms=1)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ANALYZE")


@pytest.mark.usefixtures("many_closed_rows")
def test_no_query_of_the_scheduler_scans_a_whole_big_table() -> None:
    big = find_big_tables()

    read = {
        name: sorted(tables & big)
        for name, verb in EVERY_SECOND
        for tables in find_scanned_tables(verb)
    }

    assert {"tickets_ticket", "dispatch_offer", "agents_presence"} <= big
    assert {name: tables for name, tables in read.items() if tables} == {}


def find_scanned_tables(verb: Callable[[], Any]) -> list[set[str]]:
    """For each query of the verb, the tables its plan scans sequentially."""
    with CaptureQueriesContext(
        connection,
    ) as asked:
        verb()
    return [
        set(re.findall(r"Seq Scan on (\w+)", explain_query(query["sql"])))
        for query in asked.captured_queries
        if query["sql"].lstrip().startswith(("SELECT", "UPDATE", "DELETE", "WITH"))
    ]


def explain_query(query: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {query}".replace("%", "%%"), None)
        return "\n".join(line for (line,) in cursor.fetchall())


def find_big_tables() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE relkind = 'r' AND reltuples > %s", [BIG])
        return {name for (name,) in cursor.fetchall()}
