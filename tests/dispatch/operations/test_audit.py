"""The audit: every invariant is broken underneath, and found; what is sound is not."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pgtrigger
import psycopg
import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client as Http
from structlog.testing import capture_logs

from agents import presence
from agents.models import JournalEntry
from dispatch import assignments, offers
from dispatch.models import Assignment, AuditFinding, AuditRun, Offer
from dispatch.operations import audit, invariants
from dispatch.operations.invariants import INVARIANTS, Window
from tests import factories
from tickets import clock, lifecycle
from tickets.events import outbox
from tickets.models import IdempotencyKey, Message, Ticket, WebhookDelivery

pytestmark = pytest.mark.django_db


def found() -> list[tuple[str, str]]:
    return audit.run(Window(clock.now(), audit.EVER))


def sql(statement: str, *given: Any) -> None:
    """Write past every trigger and foreign key."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(statement, given)
        cursor.execute("SET LOCAL session_replication_role = origin")


def drop(table: str, constraint: str) -> None:
    """Do away with a constraint until the test is over."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {constraint}")
        cursor.execute(f"DROP INDEX IF EXISTS {constraint}")


def finished() -> Assignment:
    held = factories.make_assignment()
    assignments.resolve(held, disposition="done", at=clock.now())
    return assignments.finish(Assignment.objects.get(pk=held.pk), at=clock.now())


def more_pending_offers() -> str:
    offer = factories.make_offer()
    drop("dispatch_offer", "one_pending_offer_per_slot")
    for number in range(invariants.MOST_AT_ONCE):
        agent = factories.make_agent(f"Agent {number}")
        factories.use_places(agent)
        Offer.objects.create(
            ticket=offer.ticket,
            agent=agent,
            pay=offer.pay,
            sent_at=offer.sent_at,
            expires_at=offer.expires_at,
        )
    return f"ticket:{offer.ticket_id}"


def a_second_conversation() -> str:
    held = factories.make_assignment()
    other = factories.make_assignment(ticket=factories.make_ticket(), agent=factories.make_agent())
    drop("dispatch_assignment", "one_open_assignment_per_ticket")
    drop("dispatch_assignment", "one_assignment_per_epoch")
    Assignment.objects.filter(pk=other.pk).update(ticket=held.ticket)
    Ticket.objects.filter(pk=other.ticket_id).update(status="abandoned", closed_at=clock.now())
    return f"ticket:{held.ticket_id}"


def a_wrong_load() -> str:
    agent = factories.make_offer().agent
    sql("UPDATE agents_presence SET load = 0 WHERE agent_id = %s", agent.pk)
    return f"agent:{agent.pk}"


def too_much_load() -> str:
    agent = factories.make_offer().agent
    drop("agents_presence", "load_is_within_capacity")
    sql("UPDATE agents_presence SET capacity = 0 WHERE agent_id = %s", agent.pk)
    return f"agent:{agent.pk}"


def out_of_line() -> str:
    agent = factories.make_agent()
    sql("DELETE FROM agents_freeagententry WHERE agent_id = %s", agent.pk)
    return f"agent:{agent.pk}"


def a_late_acceptance() -> str:
    offer = factories.make_assignment().offer
    drop("dispatch_offer", "accepted_before_it_expired")
    sql("UPDATE dispatch_offer SET expires_at = settled_at WHERE id = %s", offer.pk)
    return f"offer:{offer.pk}"


def an_old_epoch() -> str:
    held = factories.make_assignment()
    sql("UPDATE tickets_ticket SET epoch = epoch + 1 WHERE id = %s", held.ticket_id)
    return f"assignment:{held.pk}"


def late_words() -> str:
    held = factories.make_assignment()
    later = clock.now() + timedelta(minutes=1)
    said = factories.make_message(
        held.ticket, origin="agent", client_message_id=f"{held.epoch}:1", at=later
    )
    assignments.resolve(held, disposition="done", at=clock.now())
    return f"message:{said.pk}"


def an_offer_of_a_closed_ticket() -> str:
    offer = factories.make_offer()
    closed = "UPDATE tickets_ticket SET status = 'abandoned', closed_at = now() WHERE id = %s"
    sql(closed, offer.ticket_id)
    return f"offer:{offer.pk}"


def an_active_ticket_of_nobody() -> str:
    ticket = factories.make_ticket()
    sql("UPDATE tickets_ticket SET status = 'active' WHERE id = %s", ticket.pk)
    return f"ticket:{ticket.pk}"


def an_acceptance_without_work() -> str:
    offer = factories.make_offer()
    sql("UPDATE dispatch_offer SET status = 'accepted', settled_at = now() WHERE id = %s", offer.pk)
    presence.release_capacity([offer.agent_id], at=clock.now(), worked=False)
    return f"offer:{offer.pk}"


def a_resolution_nobody_answered() -> str:
    held = finished()
    sql("UPDATE tickets_ticket SET answered_at = NULL WHERE id = %s", held.ticket_id)
    return f"ticket:{held.ticket_id}"


def a_second_end() -> str:
    factories.make_endpoint()
    held = finished()
    ticket = Ticket.objects.get(pk=held.ticket_id)
    ticket.version += 1
    ticket.save(update_fields=["version"])
    outbox.queue(ticket, "ticket.unavailable", {}, at=clock.now())
    return f"ticket:{ticket.pk}"


def an_entry_out_of_balance() -> str:
    entry = JournalEntry.objects.get(source_id=finished().pk)
    sql("UPDATE agents_journalline SET amount = -1 WHERE amount < 0 AND entry_id = %s", entry.pk)
    return f"entry:{entry.pk}"


def a_guard_asleep() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    pgtrigger.disable("dispatch.Offer:pay_never_changes")
    return "trigger:pay_never_changes"


def unpaid_work() -> str:
    held = finished()
    entry = JournalEntry.objects.get(source_id=held.pk)
    sql("DELETE FROM agents_journalline WHERE entry_id = %s", entry.pk)
    sql("DELETE FROM agents_journalentry WHERE id = %s", entry.pk)
    return f"assignment:{held.pk}"


def pay_for_nothing() -> str:
    held = finished()
    entry = JournalEntry.objects.get(source_id=held.pk)
    sql("DELETE FROM dispatch_assignment WHERE id = %s", held.pk)
    sql("DELETE FROM dispatch_offer WHERE id = %s", held.offer_id)
    return f"entry:{entry.pk}"


def an_answer_of_no_ticket() -> str:
    key = IdempotencyKey.objects.create(
        client=factories.make_client(),
        key="k",
        fingerprint="f",
        status=201,
        body={"ticket": "00000000-0000-7000-8000-000000000000"},
    )
    return f"key:{key.pk}"


def two_answers_of_a_key() -> str:
    ticket = factories.make_ticket()
    drop("tickets_idempotencykey", "one_answer_per_key")
    given = {"key": "k", "fingerprint": "f", "status": 201, "body": {"ticket": str(ticket.pk)}}
    keys = [IdempotencyKey.objects.create(client=ticket.client, **given) for _ in range(2)]
    return f"key:{keys[1].pk}"


def somebody_elses_news() -> str:
    endpoint = factories.make_endpoint(factories.make_client("other"))
    ticket = factories.make_ticket(factories.make_client("own"))
    return f"delivery:{a_delivery(ticket, endpoint, version=0).pk}"


def a_delivery(ticket: Ticket, endpoint: Any, *, version: int, **given: Any) -> WebhookDelivery:
    at = clock.now()
    return WebhookDelivery.objects.create(
        ticket=ticket,
        endpoint=endpoint,
        type="message.created",
        version=version,
        payload={},
        created_at=at,
        **{"next_attempt_at": at, **given},
    )


def a_gap_in_the_talk() -> str:
    ticket = factories.make_assignment().ticket
    for _ in range(3):
        factories.make_message(ticket)
    sql("DELETE FROM tickets_message WHERE seq = 2 AND ticket_id = %s", ticket.pk)
    return f"ticket:{ticket.pk}"


def news_out_of_order() -> str:
    ticket, endpoint = factories.make_ticket(), factories.make_endpoint()
    Ticket.objects.filter(pk=ticket.pk).update(version=2)
    a_delivery(ticket, endpoint, version=1)
    later = a_delivery(ticket, endpoint, version=2, delivered_at=clock.now())
    return f"delivery:{later.pk}"


def a_customer_nobody_told() -> str:
    ticket = factories.make_ticket(at=clock.now() - timedelta(hours=1))
    return f"ticket:{ticket.pk}"


def an_offer_nobody_settled() -> str:
    offer = factories.make_offer(at=clock.now() - timedelta(minutes=3))
    return f"offer:{offer.pk}"


def work_of_one_who_is_gone() -> str:
    held = factories.make_assignment()
    gone = "UPDATE agents_presence SET status = 'offline', since = now() - interval '2 hours'"
    sql(gone)
    sql("UPDATE dispatch_assignment SET started_at = now() - interval '1 hour'")
    return f"assignment:{held.pk}"


def news_nobody_sent() -> str:
    ticket, endpoint = factories.make_ticket(), factories.make_endpoint()
    Ticket.objects.filter(pk=ticket.pk).update(version=1)
    due = clock.now() - timedelta(minutes=2)
    return f"delivery:{a_delivery(ticket, endpoint, version=1, next_attempt_at=due).pk}"


BROKEN: list[tuple[str, Callable[[], str]]] = [
    ("s1_offers_of_a_ticket", more_pending_offers),
    ("s1_conversations_of_a_ticket", a_second_conversation),
    ("s2_load", a_wrong_load),
    ("s2_load", too_much_load),
    ("s2_line", out_of_line),
    ("s3_accepted_in_time", a_late_acceptance),
    ("s4_holder", an_old_epoch),
    ("s4_late_words", late_words),
    ("s5_offers_and_ticket", an_offer_of_a_closed_ticket),
    ("s5_conversation_and_ticket", an_active_ticket_of_nobody),
    ("s6_acceptance", an_acceptance_without_work),
    ("s6_resolution", a_resolution_nobody_answered),
    ("s7_one_end", a_second_end),
    ("s8_balance", an_entry_out_of_balance),
    ("s8_guards", a_guard_asleep),
    ("s9_paid_once", unpaid_work),
    ("s9_nothing_else_paid", pay_for_nothing),
    ("s11_one_answer", an_answer_of_no_ticket),
    ("s11_one_answer", two_answers_of_a_key),
    ("s12_clients_apart", somebody_elses_news),
    ("s13_numbering", a_gap_in_the_talk),
    ("s14_order", news_out_of_order),
    ("l1_customer_told", a_customer_nobody_told),
    ("l3_offer_settled", an_offer_nobody_settled),
    ("l4_lease_ended", work_of_one_who_is_gone),
    ("l5_event_sent", news_nobody_sent),
]


@pytest.mark.parametrize(("invariant", "break_it"), BROKEN)
def test_what_breaks_an_invariant_is_found(invariant: str, break_it: Callable[[], str]) -> None:
    subject = break_it()

    assert [one for one in found() if one[0] == invariant] == [(invariant, subject)]


def test_every_invariant_is_broken_by_a_test() -> None:
    assert {name for name, _break_it in BROKEN} == set(INVARIANTS)


def test_an_ordinary_day_breaks_nothing() -> None:
    factories.make_endpoint()
    finished()
    factories.make_offer(factories.make_ticket(), factories.make_agent("Lucas"))
    talk = factories.make_assignment(ticket=factories.make_ticket(), agent=factories.make_agent())
    factories.make_message(talk.ticket)
    offers.decline(
        factories.make_offer(factories.make_ticket(), factories.make_agent()), at=clock.now()
    )
    assignments.lose(
        factories.make_assignment(ticket=factories.make_ticket(), agent=factories.make_agent()),
        at=clock.now(),
    )
    lifecycle.abandon(factories.make_ticket(), reason="left", at=clock.now())

    assert found() == []


def test_a_finding_keeps_the_moment_it_was_first_seen() -> None:
    an_active_ticket_of_nobody()
    found()
    first = AuditFinding.objects.get()

    found()

    again = AuditFinding.objects.get()
    assert again.seen_at == first.seen_at
    assert again.last_seen_at > first.last_seen_at


def test_what_is_mended_is_no_longer_counted() -> None:
    an_active_ticket_of_nobody()
    found()
    standing = audit.standing()
    Ticket.objects.update(status="queued")

    found()

    assert standing == {"s5_conversation_and_ticket": 1}
    assert audit.standing() == {}


def test_a_breach_is_an_error_in_the_log_by_its_ids() -> None:
    subject = an_active_ticket_of_nobody()

    with capture_logs() as lines:
        found()

    (error,) = [line for line in lines if line["log_level"] == "error"]
    assert error == {
        "event": "invariant broken",
        "invariant": "s5_conversation_and_ticket",
        "subject": subject,
        "log_level": "error",
    }


def test_a_query_that_fails_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = invariants.Invariant("ticket", "SELECT nothing")
    monkeypatch.setitem(INVARIANTS, "s3_accepted_in_time", broken)

    assert found() == [("s3_accepted_in_time", audit.UNCHECKED)]


def test_it_runs_once_an_hour_whoever_asks() -> None:
    at = clock.now()

    ran = [audit.run_when_due(at=at + timedelta(minutes=minutes)) for minutes in (0, 1, 59, 61, 62)]

    assert ran == [True, False, False, True, False]
    assert AuditRun.objects.count() == 2


def test_while_another_audits_nobody_else_does() -> None:
    given = connection.settings_dict
    with psycopg.connect(dbname=given["NAME"], user=given["USER"], host=given["HOST"]) as other:
        other.execute("SELECT pg_advisory_lock(%s)", [audit.AUDITING])

        assert not audit.run_when_due(at=clock.now())
        other.execute("SELECT pg_advisory_unlock(%s)", [audit.AUDITING])

    assert audit.run_when_due(at=clock.now())


def test_by_hand_a_breach_ends_with_one(capsys: pytest.CaptureFixture[str]) -> None:
    subject = an_active_ticket_of_nobody()

    with pytest.raises(SystemExit) as ending:
        call_command("audit")

    assert ending.value.code == 1
    assert capsys.readouterr().out.splitlines() == [
        f"s5_conversation_and_ticket {subject}",
        f"{len(INVARIANTS)} invariants, 1 breaches",
    ]


def test_coordinators_read_the_findings_and_change_none(http_of_a_coordinator: Http) -> None:
    subject = an_active_ticket_of_nobody()
    found()

    page = http_of_a_coordinator.get("/admin/dispatch/auditfinding/")
    adding = http_of_a_coordinator.get("/admin/dispatch/auditfinding/add/")

    assert subject in page.content.decode()
    assert adding.status_code == 403


@pytest.fixture
def http_of_a_coordinator() -> Http:
    http = Http()
    http.force_login(factories.make_coordinator())
    return http


def test_a_message_is_no_breach_of_order_while_the_talk_goes_on() -> None:
    held = factories.make_assignment()
    factories.make_message(
        held.ticket, origin="agent", client_message_id=f"{held.epoch}:1", at=clock.now()
    )

    assert Message.objects.count() == 1
    assert found() == []
