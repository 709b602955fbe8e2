"""The scheduler does everything that is due, without Celery and Valkey."""

import threading
from datetime import timedelta

import psycopg
import pytest
from django.db import DatabaseError, connection

from agents.models import AgentCertificate, JournalEntry, Presence
from agents.models.presence import SILENCE
from dispatch import assignments, offers, scheduler
from dispatch.management.commands import scheduler as command
from dispatch.models import OFFER_LASTS, SHOWN_WITHIN, Assignment, Offer, SchedulerHeartbeat
from dispatch.models.operations import get_host_and_pid
from dispatch.waves import wave
from tests import factories
from tickets import clock
from tickets.models import Ticket

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def without_a_matcher(monkeypatch: pytest.MonkeyPatch) -> None:
    """Count every waiting ticket as missed by the matcher."""
    monkeypatch.setattr(wave, "MISSED_AFTER", timedelta(0))


def shown(offer: Offer) -> Offer:
    offers.show([(offer.pk, offer.agent_id)], at=clock.now())
    return offer


def test_with_nothing_due_nothing_is_done() -> None:
    factories.make_agent()

    assert scheduler.tick() == {}


def test_a_tick_offers_only_tickets_the_matcher_has_missed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(wave, "MISSED_AFTER", timedelta(seconds=5))
    factories.make_card()
    factories.make_agent(capacity=2)
    factories.make_ticket()
    assert scheduler.tick() == {}

    factories.make_ticket(at=clock.now() - timedelta(seconds=6))

    assert scheduler.tick() == {"offers made": 1}


def test_an_expired_offers_ticket_is_offered_to_another_in_the_same_tick() -> None:
    offer = shown(factories.make_offer())
    Offer.objects.update(sent_at=clock.now() - 2 * OFFER_LASTS, expires_at=clock.now())
    other = factories.make_agent()

    assert scheduler.tick() == {"offers expired": 1, "offers made": 1}

    assert Offer.objects.pending().get().agent == other
    assert Offer.objects.get(pk=offer.pk).status == "expired"


def test_an_unshown_offers_ticket_is_offered_to_another_in_the_same_tick() -> None:
    offer = factories.make_offer()
    Offer.objects.update(sent_at=clock.now() - SHOWN_WITHIN, expires_at=clock.now())
    other = factories.make_agent()

    assert scheduler.tick() == {"offers expired": 1, "offers made": 1}

    assert Offer.objects.pending().get().agent == other
    assert Offer.objects.get(pk=offer.pk).status == "missed_connectivity"


def test_a_slow_agents_ticket_is_offered_to_another_too_in_the_same_tick() -> None:
    first = factories.make_offer()
    Ticket.objects.update(reoffer_at=clock.now())
    other = factories.make_agent()

    assert scheduler.tick() == {"further agents may be asked": 1, "offers made": 1}

    assert set(Offer.objects.pending().values_list("agent", flat=True)) == {
        first.agent_id,
        other.pk,
    }


def test_a_ticket_whose_levels_are_lowered_is_offered_in_the_same_tick() -> None:
    factories.make_card()
    factories.make_ticket(at=clock.now() - timedelta(seconds=31), skills={"cards": 4})
    factories.make_agent(skills={"cards": 3})

    assert scheduler.tick() == {"levels lowered": 1, "offers made": 1}


def test_an_agent_whose_certificate_ended_gets_no_offer_in_the_same_tick() -> None:
    client = factories.make_client(certificate="kyc")
    factories.make_card(client)
    agent = factories.make_agent()
    AgentCertificate.objects.create(
        agent=agent, code="kyc", valid_until=clock.now() - timedelta(days=1)
    )
    factories.make_ticket(client)

    assert scheduler.tick() == {"certificates over": 1}


def test_a_third_timeout_withdraws_the_agents_other_offers_in_the_same_tick() -> None:
    agent = factories.make_agent(capacity=2)
    expired, other = shown(factories.make_offer(agent=agent)), factories.make_offer(agent=agent)
    Offer.objects.filter(pk=expired.pk).update(
        sent_at=clock.now() - 2 * OFFER_LASTS, expires_at=clock.now()
    )
    Presence.objects.update(timeouts_in_row=2)

    assert scheduler.tick() == {"offers expired": 1, "offers to absent agents": 1}

    assert Offer.objects.get(pk=other.pk).status == "withdrawn"


def test_a_silent_agents_conversation_is_offered_to_another_in_the_same_tick() -> None:
    held = factories.make_assignment()
    Presence.objects.update(seen_at=clock.now() - SILENCE)
    other = factories.make_agent()

    done = scheduler.tick()

    assert done == {"agents silent": 1, "agents gone": 1, "offers made": 1}
    assert Assignment.objects.get(pk=held.pk).ending == "lost"
    assert Offer.objects.pending().get().agent == other


def test_a_silent_agents_offer_goes_to_another() -> None:
    factories.make_offer()
    Presence.objects.update(seen_at=clock.now() - SILENCE)
    other = factories.make_agent()

    done = scheduler.tick()

    assert done == {"agents silent": 1, "offers to absent agents": 1, "offers made": 1}
    assert Offer.objects.pending().get().agent == other


def test_an_overdue_wrap_up_is_paid() -> None:
    began = clock.now() - HOUR
    held = factories.make_assignment(at=began)
    assignments.resolve(held, disposition="solved", at=began)

    assert scheduler.tick() == {"wrap-ups over": 1}

    assert JournalEntry.objects.get().source_id == held.pk


def test_a_ticket_past_its_patience_becomes_unavailable() -> None:
    factories.make_ticket(at=clock.now() - HOUR)

    assert scheduler.tick() == {"tickets given up": 1}

    assert Ticket.objects.get().status == "unavailable"


def test_one_tick_does_everything_due_and_leaves_nothing_due() -> None:
    began = clock.now() - HOUR
    wrapping = factories.make_assignment(at=began)
    assignments.resolve(wrapping, disposition="solved", at=began)
    factories.make_ticket(at=began)
    expired = shown(factories.make_offer())
    Offer.objects.filter(pk=expired.pk).update(
        sent_at=began, expires_at=clock.now() - timedelta(seconds=1)
    )
    silent = factories.make_assignment()
    Presence.objects.filter(agent=silent.agent).update(seen_at=began)
    hesitates = factories.make_offer()
    Ticket.objects.filter(pk=hesitates.ticket_id).update(reoffer_at=clock.now())
    demanding = factories.make_ticket(skills={"cards": 4})
    moments = {"queued_at": clock.now() - timedelta(seconds=70), "lower_at": clock.now()}
    Ticket.objects.filter(pk=demanding.pk).update(**moments)
    AgentCertificate.objects.create(
        agent=hesitates.agent, code="kyc", valid_until=clock.now() - timedelta(days=1)
    )

    done = scheduler.tick()

    assert set(done) == {name for name, _verb in scheduler.DUE} - {"offers to absent agents"}
    assert scheduler.tick() == {}


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("no_worker")
@pytest.mark.parametrize("trouble", [DatabaseError("gone"), ValueError("odd")])
def test_a_verb_that_fails_does_not_stop_the_others(
    trouble: Exception, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(at: object) -> int:
        raise trouble

    monkeypatch.setattr(scheduler, "DUE", [("broken", broken), *scheduler.DUE])
    factories.make_ticket(at=clock.now() - HOUR)

    assert scheduler.tick() == {"tickets given up": 1}

    assert "scheduler: broken" in caplog.text


def test_there_is_one_leader() -> None:
    with psycopg.connect(**other_connection()) as other:
        other.execute("SELECT pg_advisory_lock(%s)", [scheduler.LEADER])

        assert not scheduler.lead()
        other.execute("SELECT pg_advisory_unlock(%s)", [scheduler.LEADER])

    assert scheduler.lead()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock(%s)", [scheduler.LEADER])


def test_the_leader_stays_leader_on_the_next_check() -> None:
    assert scheduler.lead()
    assert scheduler.lead()

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock(%s)", [scheduler.LEADER])
    with psycopg.connect(**other_connection()) as other:
        held = other.execute("SELECT pg_try_advisory_lock(%s)", [scheduler.LEADER])
        assert held.fetchone() == (True,)


def test_the_database_ends_the_connection_of_a_leader_silent_for_ten_seconds() -> None:
    assert scheduler.lead()

    with connection.cursor() as cursor:
        cursor.execute("SHOW idle_session_timeout")
        assert cursor.fetchone() == ("10s",)
        cursor.execute("SELECT pg_advisory_unlock(%s)", [scheduler.LEADER])


@pytest.mark.django_db(transaction=True)
def test_a_lost_connection_loses_the_lead() -> None:
    assert scheduler.lead()
    with psycopg.connect(**other_connection()) as other:
        connection.close()
        other.execute("SELECT pg_advisory_lock(%s)", [scheduler.LEADER])

        assert not scheduler.lead()


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("no_worker")
def test_each_tick_of_the_leader_leaves_a_heartbeat() -> None:
    stop = threading.Event()
    threading.Timer(0.4, stop.set).start()
    began = clock.now()

    command.run_ticks(stop, every=0.05)
    connection.close()

    beat = SchedulerHeartbeat.objects.get()
    assert beat.leader == get_host_and_pid()
    assert beat.beat_at > began
    assert beat.lag_ms < 400
    assert not Ticket.objects.exists()


def test_a_late_tick_says_how_late_it_was() -> None:
    command.run_tick(lag=1.5)
    first = SchedulerHeartbeat.objects.get()

    command.run_tick(lag=-0.01)

    assert first.lag_ms == 1500
    assert SchedulerHeartbeat.objects.get().lag_ms == 0


@pytest.mark.parametrize("trouble", [DatabaseError("gone"), ValueError("odd")])
def test_a_loop_beside_the_ticks_goes_on_after_an_error(
    trouble: Exception, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "close", lambda: None)
    stop, rounds = threading.Event(), []

    def verb() -> None:
        rounds.append(1)
        if len(rounds) == 2:
            stop.set()
        raise trouble

    command.repeat(stop, "webhooks", 0.01, verb)

    assert len(rounds) == 2
    assert caplog.text.count("webhooks: ") == 2


def other_connection() -> dict[str, str]:
    given = connection.settings_dict
    return {"dbname": given["NAME"], "user": given["USER"], "host": given["HOST"]}
