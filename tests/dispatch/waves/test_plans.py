"""How PostgreSQL runs a wave's two statements where thousands wait, are free and were offered."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from psycopg._queries import PostgresQuery
from psycopg.adapt import Transformer

from agents.models import Agent, AgentLanguage, Presence, User
from dispatch.models import Offer
from dispatch.waves import outcome, snapshot_query, wave
from tests import factories
from tickets import clock
from tickets.models import Ticket

pytestmark = pytest.mark.django_db

MANY = 2000
BATCH = 1000
LANGUAGES = ("de", "en", "es", "fi", "fr", "it", "nl", "pl", "pt", "sv")
HOT = {"tickets_ticket", "dispatch_offer", "agents_presence", "agents_freeagententry"}
STATEMENTS = {"snapshot": snapshot_query.SNAPSHOT_SQL, "outcome": outcome.SAVE_SQL}


@pytest.fixture
def thousands() -> None:
    """Tickets that wait in thirty lanes, agents who are free, and an old offer for each."""
    at = clock.now()
    client = factories.make_client()
    factories.make_card(client)
    users = User.objects.bulk_create(
        (User(username=f"u{n}", password="!") for n in range(MANY)), batch_size=BATCH
    )
    agents = Agent.objects.bulk_create(
        [Agent(user=user, name="Amina", status="approved", time_zone="UTC") for user in users],
        batch_size=BATCH,
    )
    Presence.objects.bulk_create(Presence(agent=agent) for agent in agents)
    AgentLanguage.objects.bulk_create(
        [
            AgentLanguage(agent=agent, language=LANGUAGES[n % 10], level=3)
            for n, agent in enumerate(agents)
        ],
        batch_size=BATCH,
    )
    Presence.objects.update(status="available", since=at, seen_at=at, idle_since=at)
    tickets = Ticket.objects.bulk_create(
        [Ticket(
            client=client, conversation_ref=f"c{n}", language=LANGUAGES[n % 10],
            lane=f"{LANGUAGES[n % 10]}/{1 + n % 3}",
            queued_at=at, due_at=at, give_up_at=at + timedelta(hours=1),
        ) for n in range(MANY)], batch_size=BATCH,
    )  # fmt: skip
    Offer.objects.bulk_create(
        [Offer(
            ticket=ticket, agent=agent, status="expired", pay={}, sent_at=at - timedelta(hours=2),
            shown_at=at, expires_at=at - timedelta(hours=1), settled_at=at - timedelta(hours=1),
        ) for ticket, agent in zip(tickets, agents, strict=True)], batch_size=BATCH,
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ANALYZE")


def scanned(plan: str) -> set[str]:
    """The hot tables a plan reads from end to end."""
    return set(re.findall(r"Seq Scan on (\w+)", plan)) & HOT


def explain(statement: str, *options: str) -> str:
    """The plan of a statement, sent as it is: no values are bound."""
    assert connection.connection is not None
    kind = f"({', '.join(options)}) " if options else ""
    rows = connection.connection.execute(f"EXPLAIN {kind}{statement}".encode()).fetchall()
    return "\n".join(line for (line,) in rows)


def prepared(statement: str) -> str:
    """The statement as a server has it that prepared it, with numbers for its values."""
    names = set(re.findall(r"%\((\w+)\)s", statement))
    query = PostgresQuery(Transformer(connection.connection))
    query.convert(statement, dict.fromkeys(names))
    return query.query.decode()


@pytest.mark.usefixtures("thousands")
def test_a_wave_reads_and_writes_thousands_of_rows_through_indexes() -> None:
    with CaptureQueriesContext(connection) as asked:
        assert wave.run(at=clock.now()) > 0
    sent = [query["sql"] for query in asked.captured_queries]

    plans = {
        name: explain(next(query for query in sent if word in query))
        for name, word in (("snapshot", "waiting_lanes"), ("outcome", "made_offers"))
    }
    for name, statement in STATEMENTS.items():
        plans[f"{name}, prepared"] = explain(prepared(statement), "GENERIC_PLAN")

    assert {name: scanned(plan) for name, plan in plans.items()} == {name: set() for name in plans}
    assert all("$1" in plan for name, plan in plans.items() if "prepared" in name)
    # What has no index is found out.
    assert scanned(explain("SELECT 1 FROM tickets_ticket WHERE note = 'x'")) == {"tickets_ticket"}
