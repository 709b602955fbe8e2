"""Reviews of tickets by customers."""

from datetime import datetime
from typing import Any

import pytest

from dispatch import assignments
from dispatch.models import AgentRating
from tests import factories
from tests.refusals import refused_by
from tickets import clock, lifecycle
from tickets.models import Review, Ticket

pytestmark = pytest.mark.django_db


@pytest.fixture
def ended(api: Any) -> Ticket:
    held = factories.make_assignment(agent=factories.make_agent("Amina"))
    assignments.resolve(held, disposition="solved", at=clock.now())
    return held.ticket


def standing(name: str = "Amina") -> tuple[int, int] | None:
    return AgentRating.objects.filter(agent__name=name).values_list("reviews", "good").first()


def test_a_review_is_stored_and_returned(api: Any, ended: Ticket) -> None:
    said = {"solved": True, "score": 5, "comment": "Merci <b>!"}

    answer = api.post(f"tickets/{ended.pk}/review", said)

    kept = Review.objects.get()
    assert answer.status_code == 201
    assert answer.json() == {
        "ticket": str(ended.pk),
        **said,
        "at": kept.at.isoformat().replace("+00:00", "Z"),
    }
    assert (kept.solved, kept.score, kept.comment) == (True, 5, "Merci <b>!")


def test_score_and_comment_are_optional(api: Any, ended: Ticket) -> None:
    answer = api.post(f"tickets/{ended.pk}/review", {"solved": False})

    assert (answer.status_code, answer.json()["score"], answer.json()["comment"]) == (201, None, "")


def test_a_repeated_review_is_stored_once(api: Any, ended: Ticket) -> None:
    first = api.post(f"tickets/{ended.pk}/review", {"solved": True})
    again = api.post(f"tickets/{ended.pk}/review", {"solved": True})

    assert (again.status_code, again.json()) == (200, first.json())
    assert standing() == (1, 1)


def test_another_review_of_the_same_ticket_is_refused(api: Any, ended: Ticket) -> None:
    api.post(f"tickets/{ended.pk}/review", {"solved": True})

    answer = api.post(f"tickets/{ended.pk}/review", {"solved": True, "score": 1})

    assert (answer.status_code, answer.json()["code"]) == (409, "review_changed")
    assert standing() == (1, 1)


def test_the_review_of_an_open_ticket_is_refused(api: Any) -> None:
    ticket = factories.make_ticket()

    answer = api.post(f"tickets/{ticket.pk}/review", {"solved": True})

    assert (answer.status_code, answer.json()["code"]) == (409, "ticket_still_open")
    assert not Review.objects.exists()


def test_the_ticket_of_another_client_is_not_found(api: Any, make_api: Any, ended: Ticket) -> None:
    stranger = make_api(factories.make_client("other"))

    assert stranger.post(f"tickets/{ended.pk}/review", {"solved": True}).status_code == 404


@pytest.mark.parametrize(
    "said",
    [{}, {"solved": "yes"}, {"solved": 1}, {"solved": True, "score": 0},
     {"solved": True, "score": 6}, {"solved": True, "score": 4.5}, {"solved": True, "vip": 1},
     {"solved": True, "comment": "x" * 2001}, {"solved": True, "comment": "\x00"}, []],
)  # fmt: skip
def test_an_invalid_review_changes_nothing(api: Any, ended: Ticket, said: Any) -> None:
    answer = api.post(f"tickets/{ended.pk}/review", said)

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    assert not Review.objects.exists()


@pytest.mark.parametrize(
    ("said", "counted"),
    [
        ({"solved": True}, (1, 1)),
        ({"solved": True, "score": 4}, (1, 1)),
        ({"solved": True, "score": 3}, (1, 0)),
        ({"solved": False, "score": 5}, (1, 0)),
    ],
)
def test_a_review_is_good_if_solved_without_a_low_score(
    api: Any, ended: Ticket, said: Any, counted: tuple[int, int]
) -> None:
    api.post(f"tickets/{ended.pk}/review", said)

    assert standing() == counted


def test_a_review_counts_for_the_last_agent_of_the_ticket(api: Any) -> None:
    lost = factories.make_assignment(agent=factories.make_agent("Bo"))
    assignments.lose(lost, at=clock.now())
    ticket = Ticket.objects.get()
    held = factories.make_assignment(ticket=ticket, agent=factories.make_agent("Amina"))
    assignments.resolve(held, disposition="solved", at=clock.now())

    api.post(f"tickets/{ticket.pk}/review", {"solved": True})

    assert (standing("Bo"), standing("Amina")) == (None, (1, 1))


def test_the_review_of_an_unanswered_ticket_counts_for_no_agent(api: Any) -> None:
    ticket = factories.make_ticket()
    lifecycle.give_up(ticket, at=clock.now())

    assert api.post(f"tickets/{ticket.pk}/review", {"solved": False}).status_code == 201
    assert not AgentRating.objects.exists()


def test_the_database_refuses_an_impossible_score_or_rating(ended: Ticket, noon: datetime) -> None:
    with refused_by("a_score_is_1_to_5"):
        Review.objects.create(ticket=ended, solved=True, score=6, at=noon)
    agent = factories.make_agent("Cy")
    with refused_by("good_reviews_are_reviews"):
        AgentRating.objects.create(agent=agent, reviews=1, good=2)
