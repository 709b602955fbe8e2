"""The audit finds every violated invariant, and nothing in sound rows."""

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


def run_audit() -> list[tuple[str, str]]:
    return audit.run(Window(clock.now(), audit.EVER))


def execute_unchecked(statement: str, *given: Any) -> None:
    """Execute the statement past every trigger and foreign key."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(statement, given)
        cursor.execute("SET LOCAL session_replication_role = origin")


def drop_constraint(table: str, constraint: str) -> None:
    """Drop a constraint until the test is over."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {constraint}")
        cursor.execute(f"DROP INDEX IF EXISTS {constraint}")


def make_finished_work() -> Assignment:
    held = factories.make_assignment()
    assignments.resolve(held, disposition="done", at=clock.now())
    return assignments.finish(Assignment.objects.get(pk=held.pk), at=clock.now())


def make_too_many_offers() -> str:
    offer = factories.make_offer()
    drop_constraint("dispatch_offer", "one_pending_offer_per_slot")
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


def make_second_conversation() -> str:
    held = factories.make_assignment()
    other = factories.make_assignment(ticket=factories.make_ticket(), agent=factories.make_agent())
    drop_constraint("dispatch_assignment", "one_open_assignment_per_ticket")
    drop_constraint("dispatch_assignment", "one_assignment_per_epoch")
    Assignment.objects.filter(pk=other.pk).update(ticket=held.ticket)
    Ticket.objects.filter(pk=other.ticket_id).update(status="abandoned", closed_at=clock.now())
    return f"ticket:{held.ticket_id}"


def make_wrong_load() -> str:
    agent = factories.make_offer().agent
    execute_unchecked("UPDATE agents_presence SET load = 0 WHERE agent_id = %s", agent.pk)
    return f"agent:{agent.pk}"


def make_too_much_load() -> str:
    agent = factories.make_offer().agent
    drop_constraint("agents_presence", "load_is_within_capacity")
    execute_unchecked("UPDATE agents_presence SET capacity = 0 WHERE agent_id = %s", agent.pk)
    return f"agent:{agent.pk}"


def remove_free_agent_entry() -> str:
    agent = factories.make_agent()
    execute_unchecked("DELETE FROM agents_freeagententry WHERE agent_id = %s", agent.pk)
    return f"agent:{agent.pk}"


def make_late_acceptance() -> str:
    offer = factories.make_assignment().offer
    drop_constraint("dispatch_offer", "accepted_before_it_expired")
    execute_unchecked("UPDATE dispatch_offer SET expires_at = settled_at WHERE id = %s", offer.pk)
    return f"offer:{offer.pk}"


def make_old_epoch() -> str:
    held = factories.make_assignment()
    execute_unchecked("UPDATE tickets_ticket SET epoch = epoch + 1 WHERE id = %s", held.ticket_id)
    return f"assignment:{held.pk}"


def make_late_message() -> str:
    held = factories.make_assignment()
    later = clock.now() + timedelta(minutes=1)
    said = factories.make_message(
        held.ticket, origin="agent", client_message_id=f"{held.epoch}:1", at=later
    )
    assignments.resolve(held, disposition="done", at=clock.now())
    return f"message:{said.pk}"


def make_offer_of_closed_ticket() -> str:
    offer = factories.make_offer()
    closed = "UPDATE tickets_ticket SET status = 'abandoned', closed_at = now() WHERE id = %s"
    execute_unchecked(closed, offer.ticket_id)
    return f"offer:{offer.pk}"


def make_active_ticket_without_agent() -> str:
    ticket = factories.make_ticket()
    execute_unchecked("UPDATE tickets_ticket SET status = 'active' WHERE id = %s", ticket.pk)
    return f"ticket:{ticket.pk}"


def make_acceptance_without_work() -> str:
    offer = factories.make_offer()
    execute_unchecked(
        "UPDATE dispatch_offer SET status = 'accepted', settled_at = now() WHERE id = %s", offer.pk
    )
    presence.release_capacity([offer.agent_id], at=clock.now(), worked=False)
    return f"offer:{offer.pk}"


def make_resolution_without_answer() -> str:
    held = make_finished_work()
    execute_unchecked("UPDATE tickets_ticket SET answered_at = NULL WHERE id = %s", held.ticket_id)
    return f"ticket:{held.ticket_id}"


def make_second_end() -> str:
    factories.make_endpoint()
    held = make_finished_work()
    ticket = Ticket.objects.get(pk=held.ticket_id)
    ticket.version += 1
    ticket.save(update_fields=["version"])
    outbox.queue(ticket, "ticket.unavailable", {}, at=clock.now())
    return f"ticket:{ticket.pk}"


def make_unbalanced_entry() -> str:
    entry = JournalEntry.objects.get(source_id=make_finished_work().pk)
    execute_unchecked(
        "UPDATE agents_journalline SET amount = -1 WHERE amount < 0 AND entry_id = %s", entry.pk
    )
    return f"entry:{entry.pk}"


def disable_trigger() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    pgtrigger.disable("dispatch.Offer:pay_never_changes")
    return "trigger:pay_never_changes"


def make_unpaid_work() -> str:
    held = make_finished_work()
    entry = JournalEntry.objects.get(source_id=held.pk)
    execute_unchecked("DELETE FROM agents_journalline WHERE entry_id = %s", entry.pk)
    execute_unchecked("DELETE FROM agents_journalentry WHERE id = %s", entry.pk)
    return f"assignment:{held.pk}"


def make_pay_without_work() -> str:
    held = make_finished_work()
    entry = JournalEntry.objects.get(source_id=held.pk)
    execute_unchecked("DELETE FROM dispatch_assignment WHERE id = %s", held.pk)
    execute_unchecked("DELETE FROM dispatch_offer WHERE id = %s", held.offer_id)
    return f"entry:{entry.pk}"


def make_response_without_ticket() -> str:
    key = IdempotencyKey.objects.create(
        client=factories.make_client(),
        key="k",
        fingerprint="f",
        status=201,
        body={"ticket": "00000000-0000-7000-8000-000000000000"},
    )
    return f"key:{key.pk}"


def make_second_response_of_key() -> str:
    ticket = factories.make_ticket()
    drop_constraint("tickets_idempotencykey", "one_answer_per_key")
    given = {"key": "k", "fingerprint": "f", "status": 201, "body": {"ticket": str(ticket.pk)}}
    keys = [IdempotencyKey.objects.create(client=ticket.client, **given) for _ in range(2)]
    return f"key:{keys[1].pk}"


def make_delivery_to_other_client() -> str:
    endpoint = factories.make_endpoint(factories.make_client("other"))
    ticket = factories.make_ticket(factories.make_client("own"))
    return f"delivery:{make_delivery(ticket, endpoint, version=0).pk}"


def make_delivery(ticket: Ticket, endpoint: Any, *, version: int, **given: Any) -> WebhookDelivery:
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


def make_gap_in_messages() -> str:
    ticket = factories.make_assignment().ticket
    for _ in range(3):
        factories.make_message(ticket)
    execute_unchecked("DELETE FROM tickets_message WHERE seq = 2 AND ticket_id = %s", ticket.pk)
    return f"ticket:{ticket.pk}"


def make_events_out_of_order() -> str:
    ticket, endpoint = factories.make_ticket(), factories.make_endpoint()
    Ticket.objects.filter(pk=ticket.pk).update(version=2)
    make_delivery(ticket, endpoint, version=1)
    later = make_delivery(ticket, endpoint, version=2, delivered_at=clock.now())
    return f"delivery:{later.pk}"


def make_overdue_ticket() -> str:
    ticket = factories.make_ticket(at=clock.now() - timedelta(hours=1))
    return f"ticket:{ticket.pk}"


def make_overdue_offer() -> str:
    offer = factories.make_offer(at=clock.now() - timedelta(minutes=3))
    return f"offer:{offer.pk}"


def make_work_of_lost_agent() -> str:
    held = factories.make_assignment()
    gone = "UPDATE agents_presence SET status = 'offline', since = now() - interval '2 hours'"
    execute_unchecked(gone)
    execute_unchecked("UPDATE dispatch_assignment SET started_at = now() - interval '1 hour'")
    return f"assignment:{held.pk}"


def make_unsent_event() -> str:
    ticket, endpoint = factories.make_ticket(), factories.make_endpoint()
    Ticket.objects.filter(pk=ticket.pk).update(version=1)
    due = clock.now() - timedelta(minutes=2)
    return f"delivery:{make_delivery(ticket, endpoint, version=1, next_attempt_at=due).pk}"


BROKEN: list[tuple[str, Callable[[], str]]] = [
    ("s1_offers_of_a_ticket", make_too_many_offers),
    ("s1_conversations_of_a_ticket", make_second_conversation),
    ("s2_load", make_wrong_load),
    ("s2_load", make_too_much_load),
    ("s2_line", remove_free_agent_entry),
    ("s3_accepted_in_time", make_late_acceptance),
    ("s4_holder", make_old_epoch),
    ("s4_late_words", make_late_message),
    ("s5_offers_and_ticket", make_offer_of_closed_ticket),
    ("s5_conversation_and_ticket", make_active_ticket_without_agent),
    ("s6_acceptance", make_acceptance_without_work),
    ("s6_resolution", make_resolution_without_answer),
    ("s7_one_end", make_second_end),
    ("s8_balance", make_unbalanced_entry),
    ("s8_guards", disable_trigger),
    ("s9_paid_once", make_unpaid_work),
    ("s9_nothing_else_paid", make_pay_without_work),
    ("s11_one_answer", make_response_without_ticket),
    ("s11_one_answer", make_second_response_of_key),
    ("s12_clients_apart", make_delivery_to_other_client),
    ("s13_numbering", make_gap_in_messages),
    ("s14_order", make_events_out_of_order),
    ("l1_customer_given_up", make_overdue_ticket),
    ("l3_offer_settled", make_overdue_offer),
    ("l4_lease_ended", make_work_of_lost_agent),
    ("l5_event_sent", make_unsent_event),
]


@pytest.mark.parametrize(("invariant", "break_it"), BROKEN)
def test_violated_invariant_is_found(invariant: str, break_it: Callable[[], str]) -> None:
    subject = break_it()

    assert [one for one in run_audit() if one[0] == invariant] == [(invariant, subject)]


def test_every_invariant_has_a_test() -> None:
    assert {name for name, _break_it in BROKEN} == set(INVARIANTS)


def test_ordinary_day_has_no_findings() -> None:
    factories.make_endpoint()
    make_finished_work()
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

    assert run_audit() == []


def test_known_finding_keeps_the_time_it_was_first_seen() -> None:
    make_active_ticket_without_agent()
    run_audit()
    first = AuditFinding.objects.get()

    run_audit()

    again = AuditFinding.objects.get()
    assert again.seen_at == first.seen_at
    assert again.last_seen_at > first.last_seen_at


def test_repaired_row_is_no_longer_counted() -> None:
    make_active_ticket_without_agent()
    run_audit()
    standing = audit.count_findings()
    Ticket.objects.update(status="queued")

    run_audit()

    assert standing == {"s5_conversation_and_ticket": 1}
    assert audit.count_findings() == {}


def test_violation_is_logged_as_an_error_with_its_ids() -> None:
    subject = make_active_ticket_without_agent()

    with capture_logs() as lines:
        run_audit()

    (error,) = [line for line in lines if line["log_level"] == "error"]
    assert error == {
        "event": "invariant broken",
        "invariant": "s5_conversation_and_ticket",
        "subject": subject,
        "log_level": "error",
    }


def test_failed_query_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = invariants.Invariant("ticket", "SELECT nothing")
    monkeypatch.setitem(INVARIANTS, "s3_accepted_in_time", broken)

    assert run_audit() == [("s3_accepted_in_time", audit.UNCHECKED)]


def test_audit_runs_once_an_hour_for_all_processes() -> None:
    at = clock.now()

    ran = [audit.run_when_due(at=at + timedelta(minutes=minutes)) for minutes in (0, 1, 59, 61, 62)]

    assert ran == [True, False, False, True, False]
    assert AuditRun.objects.count() == 2


def test_audit_does_not_run_while_another_runs() -> None:
    given = connection.settings_dict
    with psycopg.connect(dbname=given["NAME"], user=given["USER"], host=given["HOST"]) as other:
        other.execute("SELECT pg_advisory_lock(%s)", [audit.AUDITING])

        assert not audit.run_when_due(at=clock.now())
        other.execute("SELECT pg_advisory_unlock(%s)", [audit.AUDITING])

    assert audit.run_when_due(at=clock.now())


def test_audit_command_with_findings_exits_with_one(capsys: pytest.CaptureFixture[str]) -> None:
    subject = make_active_ticket_without_agent()

    with pytest.raises(SystemExit) as ending:
        call_command("audit")

    assert ending.value.code == 1
    assert capsys.readouterr().out.splitlines() == [
        f"s5_conversation_and_ticket {subject}",
        f"{len(INVARIANTS)} invariants, 1 breaches",
    ]


def test_coordinator_reads_findings_and_cannot_change_them(coordinator_client: Http) -> None:
    subject = make_active_ticket_without_agent()
    run_audit()

    page = coordinator_client.get("/admin/dispatch/auditfinding/")
    adding = coordinator_client.get("/admin/dispatch/auditfinding/add/")

    assert subject in page.content.decode()
    assert adding.status_code == 403


@pytest.fixture
def coordinator_client() -> Http:
    http = Http()
    http.force_login(factories.make_coordinator())
    return http


def test_message_in_an_open_conversation_is_not_out_of_order() -> None:
    held = factories.make_assignment()
    factories.make_message(
        held.ticket, origin="agent", client_message_id=f"{held.epoch}:1", at=clock.now()
    )

    assert Message.objects.count() == 1
    assert run_audit() == []
