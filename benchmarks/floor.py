"""The floor: the same changes of state as bare SQL and nothing else.

The state after an offer: a ticket, its handoff, the response stored under its idempotency key; an
agent chosen by an index, an offer, a place of the agent's capacity taken, and the decision. Two
prepared statements and two commits, by threads with a connection each, in this process. No HTTP, no
socket, no check: nothing that does the work can be faster.
"""

import threading
import time
import uuid
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import psycopg
from psycopg.types.json import Jsonb

from benchmarks import cpu, databases, requests
from benchmarks.load import MAX_BEHIND, draw_arrivals
from benchmarks.outcome import Outcome

LINES = 4

TABLES = """
CREATE TABLE ticket (id uuid PRIMARY KEY, client uuid, conversation_ref text, customer text,
    language text, topic text, offered bool DEFAULT false, queued_at timestamptz DEFAULT now(),
    UNIQUE (client, conversation_ref));
CREATE TABLE handoff (ticket uuid PRIMARY KEY REFERENCES ticket, summary text, transcript jsonb);
CREATE TABLE idempotency (client uuid, key text, answer jsonb, PRIMARY KEY (client, key));
CREATE TABLE agent (id int PRIMARY KEY, language text, load int DEFAULT 0, capacity int);
CREATE TABLE offer (id uuid PRIMARY KEY, ticket uuid REFERENCES ticket, agent int REFERENCES agent,
    pay jsonb, sent_at timestamptz DEFAULT now(), expires_at timestamptz, settled_at timestamptz);
CREATE TABLE decision (id uuid PRIMARY KEY, offer uuid, at timestamptz DEFAULT now(), read jsonb);
CREATE INDEX ON ticket (language, queued_at) WHERE NOT offered;
CREATE INDEX ON agent (language, load, id) WHERE load < capacity;
CREATE UNIQUE INDEX ON offer (ticket) WHERE settled_at IS NULL;
"""
AGENTS = """
INSERT INTO agent (id, language, capacity)
SELECT n, (%s::text[])[1 + n %% 4], 1000000 FROM generate_series(1, %s) n
"""
OPEN = """
WITH opened AS (
    INSERT INTO ticket (id, client, conversation_ref, customer, language, topic)
    VALUES (%(ticket)s, %(client)s, %(ref)s, 'Mia K.', %(language)s, %(topic)s) RETURNING id
), kept AS (
    INSERT INTO idempotency SELECT %(client)s, %(key)s, %(answer)s FROM opened
)
INSERT INTO handoff SELECT id, %(summary)s, %(transcript)s FROM opened
"""
OFFER = """
WITH pair AS (
    SELECT t.id AS ticket, free.id AS agent FROM ticket t CROSS JOIN LATERAL (
        SELECT a.id FROM agent a WHERE a.language = t.language AND a.load < a.capacity
        ORDER BY a.load, a.id LIMIT 1 FOR UPDATE SKIP LOCKED
    ) free WHERE t.id = %(ticket)s AND NOT t.offered FOR UPDATE OF t
), busy AS (
    UPDATE agent a SET load = load + 1 FROM pair WHERE a.id = pair.agent
), marked AS (
    UPDATE ticket t SET offered = true FROM pair WHERE t.id = pair.ticket
), made AS (
    INSERT INTO offer (id, ticket, agent, pay, expires_at)
    SELECT %(offer)s, ticket, agent, %(pay)s, now() + interval '65 s' FROM pair RETURNING id
)
INSERT INTO decision (id, offer, read) SELECT %(decision)s, id, %(read)s FROM made
"""
PAY = {"currency": "EUR", "base": 150, "per_minute": "30", "minutes": 9, "total": 420}
READ = {"policy": 1, "waited_s": 0, "language": 5, "idle_s": 600, "others": 12}


class Floor:
    """Bare SQL under the same load."""

    def __init__(self, lines: list[psycopg.Connection]) -> None:
        self.lines = lines
        self.roots = cpu.find_servers()
        self.client = uuid.uuid4()

    def step(self, *, rate: float, seconds: float, seed: int) -> Outcome:
        databases.run_statements("floor", "UPDATE agent SET load = 0", "VACUUM ANALYZE")
        moments = draw_arrivals(rate, seconds, seed=seed)
        waits: list[float | None] = [None] * len(moments)
        due = deque(enumerate(moments))
        before, began = cpu.cpu_seconds(self.roots), time.perf_counter()
        threads = [
            threading.Thread(target=self._serve, args=(line, due, waits, began))
            for line in self.lines
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        spent = cpu.cpu_seconds(self.roots) - before
        return Outcome(rate, waits, cpu_ms=spent * 1000, planned=len(moments))

    def _serve(
        self,
        line: psycopg.Connection,
        due: deque[tuple[int, float]],
        waits: list[float | None],
        began: float,
    ) -> None:
        """Serve the due escalations one after another; the wait counts from the due time."""
        while True:
            try:
                number, moment = due.popleft()
            except IndexError:
                return
            time.sleep(max(began + moment - time.perf_counter(), 0))
            if time.perf_counter() - began - moment > MAX_BEHIND:
                return
            self._escalate(line)
            waits[number] = (time.perf_counter() - began - moment) * 1000

    def _escalate(self, line: psycopg.Connection) -> None:
        handoff, ticket = requests.make_handoff(), uuid.uuid4()
        line.execute(
            OPEN,
            {
                "ticket": ticket,
                "client": self.client,
                "ref": handoff["conversation_ref"],
                "language": handoff["language"],
                "topic": handoff["topic"],
                "key": requests.make_key(),
                "answer": Jsonb({"ticket": str(ticket), "status": "queued"}),
                "summary": handoff["summary"],
                "transcript": Jsonb(handoff["transcript"]),
            },
            prepare=True,
        )
        made = {"ticket": ticket, "offer": uuid.uuid4(), "decision": uuid.uuid4()}
        line.execute(OFFER, {**made, "pay": Jsonb(PAY), "read": Jsonb(READ)}, prepare=True)


@contextmanager
def run_floor(agents: int) -> Iterator[Floor]:
    databases.create("floor")
    databases.run_statements("floor", *filter(str.strip, TABLES.split(";")))
    with ExitStack() as stack:
        address = databases.make_address("floor")
        lines = [
            stack.enter_context(psycopg.connect(address, autocommit=True)) for _ in range(LINES)
        ]
        lines[0].execute(AGENTS, [list(requests.LANGUAGES), agents])
        floor = Floor(lines)
        floor.step(rate=20, seconds=1, seed=0)
        yield floor
