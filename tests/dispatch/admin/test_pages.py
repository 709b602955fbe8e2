"""The admin pages of dispatch: offers, assignments and timelines."""

import pytest
from django.urls import reverse

from dispatch import assignments, offers
from dispatch.errors import OfferGone
from dispatch.models import Assignment, Offer
from tests.factories import (
    make_agent,
    make_assignment,
    make_offer,
    make_skill,
    make_ticket,
    read_presence,
)
from tests.staff import (
    HOSTILE,
    SUBMITTED,
    list_address,
    log_in_coordinator,
    log_in_viewer,
    page_address,
    read_messages,
    run_action,
)
from tickets import clock
from tickets.models import Ticket

pytestmark = pytest.mark.django_db
WHY = {"costs": {"language": 10, "asked_before": 500}, "candidates": 3, "waited_s": 12}


@pytest.fixture
def coordinator():
    return log_in_coordinator()


@pytest.fixture
def viewer():
    return log_in_viewer()


# Domain functions behind the buttons


def test_withdrawing_an_offer_frees_its_agent_and_keeps_the_ticket_queued():
    offer = make_offer()

    offers.withdraw(offer, at=clock.now())

    assert Offer.objects.get().status == Offer.Status.WITHDRAWN
    assert read_presence(offer.agent).load == 0
    assert Ticket.objects.get().status == Ticket.Status.QUEUED


def test_an_answered_offer_cannot_be_withdrawn():
    assignment = make_assignment()

    with pytest.raises(OfferGone):
        offers.withdraw(assignment.offer, at=clock.now())

    assert Offer.objects.get().status == Offer.Status.ACCEPTED
    assert read_presence(assignment.agent).load == 1


# Offers


def test_an_offer_shows_the_parts_of_its_pay_and_its_reasons(coordinator):
    offer = make_offer()
    Offer.objects.update(reasons=WHY)

    shown = coordinator.get(page_address("dispatch_offer", offer)).content.decode()

    for words in (
        "per ticket: €1.50",
        "expected minutes: €2.40",
        "how well they speak the language: 10 points",
        "did not answer when asked before: 500 points",
        "best of 3 who fitted",
        "the customer had waited 12 sec",
    ):
        assert words in shown


def test_an_offer_is_withdrawn_from_its_list_and_from_its_page(coordinator):
    first = make_offer(make_ticket(), make_agent("Amina"))
    second = make_offer(make_ticket(), make_agent("Bjorn"))

    run_action(coordinator, "dispatch_offer", "withdraw", first)
    coordinator.post(page_address("dispatch_offer", second, action="withdraw_here"), SUBMITTED)

    assert list(Offer.objects.values_list("status", flat=True)) == ["withdrawn", "withdrawn"]


def test_withdrawing_a_settled_offer_is_a_warning(coordinator):
    assignment = make_assignment()

    answer = run_action(coordinator, "dispatch_offer", "withdraw", assignment.offer)

    assert read_messages(answer)[0].endswith("This offer was declined or withdrawn already.")


@pytest.mark.parametrize("model", ["offer", "assignment"])
def test_lists_run_as_many_queries_for_twelve_rows_as_for_two(
    coordinator, django_assert_max_num_queries, model
):
    for number in range(2):
        make_assignment(agent=make_agent(f"Agent {number}"), ticket=make_ticket())
    coordinator.get(list_address(f"dispatch_{model}"))
    with django_assert_max_num_queries(100) as few:
        coordinator.get(list_address(f"dispatch_{model}"))
    for number in range(10):
        make_assignment(agent=make_agent(f"More {number}"), ticket=make_ticket())

    with django_assert_max_num_queries(len(few)):
        coordinator.get(list_address(f"dispatch_{model}"))


# Assignments


def test_taking_a_conversation_away_requeues_the_ticket(coordinator):
    assignment = make_assignment()

    run_action(coordinator, "dispatch_assignment", "take_away", assignment)

    taken = Assignment.objects.get()
    assert taken.ending == Assignment.Ending.LOST
    assert taken.finished_at
    assert Ticket.objects.get().status == Ticket.Status.QUEUED


def test_a_finished_assignment_shows_what_was_paid(coordinator):
    assignment = make_assignment(make_offer())
    assignments.resolve(assignment, disposition="solved", at=clock.now())
    assignments.finish(assignment, note=f"note {HOSTILE}", at=clock.now())

    listed = coordinator.get(list_address("dispatch_assignment")).content.decode()
    shown = coordinator.get(page_address("dispatch_assignment", assignment)).content.decode()

    assert "€3.90" in listed
    assert "€3.90" in shown
    assert HOSTILE not in shown


@pytest.mark.parametrize("model", ["offer", "assignment"])
def test_records_cannot_be_written_by_hand(coordinator, model):
    assignment = make_assignment()
    row = assignment if model == "assignment" else assignment.offer

    answers = [
        coordinator.post(page_address(f"dispatch_{model}", row), {"status": "declined", "paid": 1}),
        coordinator.get(page_address(f"dispatch_{model}", row, action="delete")),
        coordinator.get(reverse(f"admin:dispatch_{model}_add")),
    ]

    assert [answer.status_code for answer in answers] == [403, 403, 403]


def test_a_viewer_cannot_act(viewer):
    offer = make_offer(make_ticket(), make_agent("Amina"))
    assignment = make_assignment(agent=make_agent("Bjorn"), ticket=make_ticket())

    seen = [
        viewer.get(page_address("dispatch_offer", offer)),
        viewer.get(page_address("dispatch_assignment", assignment)),
    ]
    run_action(viewer, "dispatch_offer", "withdraw", offer)
    run_action(viewer, "dispatch_assignment", "take_away", assignment)
    refused = [
        viewer.post(page_address("dispatch_offer", offer, action="withdraw_here"), SUBMITTED),
        viewer.post(
            page_address("dispatch_assignment", assignment, action="take_away_here"), SUBMITTED
        ),
    ]

    assert [answer.status_code for answer in seen] == [200, 200]
    assert [answer.status_code for answer in refused] == [403, 403]
    assert Offer.objects.get(pk=offer.pk).status == Offer.Status.SENT
    assert Assignment.objects.get().ended_at is None


# Agents and tickets, extended by dispatch


def test_the_agents_list_counts_todays_conversations(coordinator):
    make_assignment()

    shown = coordinator.get(reverse("admin:agents_agent_changelist")).content.decode()

    assert "field-conversations" in shown
    assert "Served" in shown


def test_the_page_of_an_agent_links_to_offers_assignments_and_ledger(coordinator):
    agent = make_agent()

    shown = coordinator.get(reverse("admin:agents_agent_change", args=[agent.pk])).content.decode()

    for name in ("dispatch_offer", "dispatch_assignment", "agents_journalentry"):
        link = reverse(f"admin:{name}_changelist") + f"?agent__id__exact={agent.pk}"
        assert f'href="{link}"' in shown
        assert coordinator.get(link).status_code == 200


def test_skills_are_chosen_from_the_catalogue(coordinator):
    make_skill("loans")
    agent = make_agent(skills={"own-word": 3})

    shown = coordinator.get(reverse("admin:agents_agent_change", args=[agent.pk])).content.decode()

    assert '<option value="loans">' in shown
    assert '<option value="own-word" selected>' in shown


def test_the_timeline_of_a_ticket_has_offers_assignments_and_pay(coordinator):
    agent = make_agent(f"Amina {HOSTILE}")
    offer = make_offer(make_ticket(), agent)
    Offer.objects.update(reasons=WHY)
    assignment = offers.accept(offer, at=clock.now())
    assignments.resolve(assignment, disposition="solved", at=clock.now())
    assignments.finish(assignment, at=clock.now())

    address = reverse("admin:tickets_ticket_change", args=[offer.ticket_id])
    told = coordinator.get(address).content.decode()
    story = told[told.index("Its story") :]

    name = "Amina &lt;script&gt;alert(1)&lt;/script&gt;"
    parts = [f"Offered to {name}", f"{name} took the conversation", "Resolved",
             f"{name} was done and paid €3.90"]  # fmt: skip
    places = [story.index(part) for part in parts]
    assert places == sorted(places)
    assert "best of 3 who fitted" in story
    assert HOSTILE not in told


def test_a_rate_card_is_for_an_existing_client(coordinator):
    make_ticket()

    shown = coordinator.get(reverse("admin:agents_ratecard_add")).content.decode()

    assert '<option value="nordbank">Nordbank</option>' in shown
