"""The admin pages of blocked pairs and of certificates."""

from datetime import timedelta

import pytest

from agents.models import AgentCertificate, Presence
from dispatch import affinity
from dispatch.models import CustomerAffinity
from tests.factories import (
    make_agent,
    make_assignment,
    make_ticket,
)
from tests.staff import (
    SUBMITTED,
    list_address,
    log_in_coordinator,
    log_in_viewer,
    page_address,
    read_messages,
    run_action,
)
from tickets import clock

pytestmark = pytest.mark.django_db


@pytest.fixture
def coordinator():
    return log_in_coordinator()


@pytest.fixture
def viewer():
    return log_in_viewer()


def test_a_pair_is_blocked_from_the_page_of_an_assignment(coordinator):
    assignment = make_assignment()

    coordinator.post(
        page_address("dispatch_assignment", assignment, action="keep_apart_here"), SUBMITTED
    )

    kept = CustomerAffinity.objects.get()
    assert kept.agent == assignment.agent
    assert kept.customer_ref == assignment.ticket.customer_ref
    assert kept.blocked_at is not None


def test_a_viewer_cannot_block_a_pair(viewer):
    assignment = make_assignment()

    run_action(viewer, "dispatch_assignment", "keep_apart", assignment)

    assert CustomerAffinity.objects.count() == 0


def test_blocked_pairs_are_listed_and_unblocked(coordinator):
    affinity.record_contact(make_agent("Elsa").pk, make_ticket(), at=clock.now())
    affinity.block(make_agent("Amina"), make_ticket(), at=clock.now())
    kept = CustomerAffinity.objects.get(agent__name="Amina")

    listed = coordinator.get(list_address("dispatch_customeraffinity")).context["cl"].result_list
    assert [row.agent.name for row in listed] == ["Amina"]
    answer = run_action(coordinator, "dispatch_customeraffinity", "unblock", kept)

    assert read_messages(answer)[0].endswith("may meet again")
    assert CustomerAffinity.objects.filter(blocked_at__isnull=False).count() == 0


def test_a_viewer_cannot_unblock_a_pair(viewer):
    affinity.block(make_agent(), make_ticket(), at=clock.now())

    run_action(viewer, "dispatch_customeraffinity", "unblock", CustomerAffinity.objects.get())

    assert CustomerAffinity.objects.get().blocked_at is not None


def agent_form(agent, **given: str) -> dict[str, object]:
    empty = {"TOTAL_FORMS": "0", "INITIAL_FORMS": "0"}
    parts = {
        f"{prefix}-{key}": value
        for prefix in ("languages", "skills", "certificates")
        for key, value in empty.items()
    }
    about = {"name": agent.name, "country": "FR", "time_zone": "Europe/Paris", "currency": "EUR"}
    return {**about, **parts, **given}


def test_a_certificate_added_on_the_page_of_an_agent_counts_at_once(coordinator):
    agent = make_agent()
    given = {
        "certificates-TOTAL_FORMS": "1",
        "certificates-0-code": "kyc",
        "certificates-0-valid_until": "2100-01-01",
        "certificates-0-agent": str(agent.pk),
    }

    coordinator.post(page_address("agents_agent", agent), agent_form(agent, **given))

    assert AgentCertificate.objects.get().code == "kyc"
    assert "+kyc" in Presence.objects.get(agent=agent).abilities


def test_a_new_last_day_makes_a_lapsed_certificate_count_again(coordinator):
    agent = make_agent()
    over = clock.now().date() - timedelta(days=2)
    held = AgentCertificate.objects.create(agent=agent, code="kyc", valid_until=over, lapsed=True)
    given = {
        "certificates-TOTAL_FORMS": "1",
        "certificates-INITIAL_FORMS": "1",
        "certificates-0-id": str(held.pk),
        "certificates-0-agent": str(agent.pk),
        "certificates-0-code": "kyc",
        "certificates-0-valid_until": "2100-01-01",
    }

    coordinator.post(page_address("agents_agent", agent), agent_form(agent, **given))

    held.refresh_from_db()
    assert not held.lapsed
    assert "+kyc" in Presence.objects.get(agent=agent).abilities
