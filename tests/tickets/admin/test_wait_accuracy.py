"""The admin page of quoted waits, and the opening hours of a client."""

from datetime import timedelta

import pytest

from tests.factories import make_client, make_ticket, make_user
from tests.staff import log_in, log_in_coordinator, log_in_viewer, page_address, submit_new
from tickets import clock, lifecycle, reviews
from tickets.models import Client, Ticket

pytestmark = pytest.mark.django_db

PAGE = "/admin/tickets/ticket/waits"
ABOUT = {"name": "Nordbank", "slug": "nordbank", "answer_within": "30", "patience": "180",
         "wrap_up": "120", "time_zone": "Europe/Stockholm"}  # fmt: skip


def answered(after: int, *, days_ago: int = 0, language: str = "en") -> None:
    """Make a ticket with quoted waits of 10 s and 60 s."""
    came = clock.now() - timedelta(days=days_ago, seconds=after)
    ticket = make_ticket(at=came, language=language)
    Ticket.objects.filter(pk=ticket.pk).update(quoted_p50_s=10, quoted_p90_s=60)
    lifecycle.begin(ticket, agent_name="Amina", at=came + timedelta(seconds=after))


def test_the_page_shows_how_often_quoted_waits_held():
    for after in (5, 20, 61):
        answered(after)
    answered(5, days_ago=3, language="fr")

    shown = log_in_coordinator().get(PAGE)

    periods = [(one["most"], one["most_of"], one["half"]) for one in shown.context["periods"]]
    assert periods[1:] == [("75\u00a0%", "3 of 4", "50\u00a0%")] * 2
    assert [row["title"] for row in shown.context["languages"]] == ["en", "fr"]
    assert [len(line.points) for line in shown.context["lines"]] == [2, 2]
    assert shown.content.decode().count("<polyline") == 2


def test_the_page_without_data_says_so():
    shown = log_in_coordinator().get(PAGE).content.decode()

    assert "No figures yet" in shown
    assert "<polyline" not in shown
    assert "By language" not in shown


def test_the_page_needs_the_permission_to_view_tickets():
    assert log_in_viewer().get(PAGE).status_code == 200
    assert log_in(make_user("tom", is_staff=True)).get(PAGE).status_code == 403
    assert log_in(make_user("ben")).get(PAGE).status_code == 302


def test_opening_hours_are_parsed_from_text():
    submit_new(
        log_in_coordinator(),
        "tickets_client",
        **ABOUT,
        open_mon="9:00-12:30, 13:30-17:00",
        open_sat="",
    )

    made = Client.objects.get()
    assert made.time_zone == "Europe/Stockholm"
    assert made.opening_hours == {"mon": [["09:00", "12:30"], ["13:30", "17:00"]]}


def test_opening_hours_are_shown_as_text_and_can_be_emptied():
    client = make_client(opening_hours={"tue": [["09:00", "24:00"]]})
    coordinator = log_in_coordinator()

    assert "09:00–24:00" in coordinator.get(page_address("tickets_client", client)).content.decode()
    coordinator.post(page_address("tickets_client", client), {**ABOUT, "open_tue": ""})

    client.refresh_from_db()
    assert client.opening_hours == {}


def test_invalid_opening_hours_are_refused_and_change_nothing():
    client = make_client(opening_hours={"tue": [["09:00", "10:00"]]})

    answer = log_in_coordinator().post(
        page_address("tickets_client", client), {**ABOUT, "open_tue": "17:00-09:00"}
    )

    assert "Write times such as" in answer.content.decode()
    client.refresh_from_db()
    assert client.opening_hours == {"tue": [["09:00", "10:00"]]}


def test_an_unknown_time_zone_is_refused():
    answer = submit_new(
        log_in_coordinator(), "tickets_client", **{**ABOUT, "time_zone": "Mars/Olympus"}
    )

    assert "time_zone" in answer.context["adminform"].form.errors
    assert not Client.objects.exists()


def test_a_viewer_reads_the_opening_hours_in_one_line():
    client = make_client(opening_hours={"tue": [["09:00", "10:00"]]})

    shown = log_in_viewer().get(page_address("tickets_client", client)).content.decode()

    assert "Tuesday 09:00–10:00" in shown


def test_the_timeline_shows_the_quoted_wait_and_the_review():
    ticket = make_ticket()
    Ticket.objects.update(quoted_p50_s=20, quoted_p90_s=120)
    ticket = lifecycle.give_up(ticket, at=clock.now())
    said = "Never <b>again</b>"
    reviews.write(ticket, solved=False, score=2, comment=said, at=clock.now())

    shown = log_in_coordinator().get(page_address("tickets_ticket", ticket)).content.decode()

    assert "20 sec – 2 min" in shown
    assert "Reviewed by the customer" in shown
    assert "2\u00a0/\u00a05" in shown
    assert "Never &lt;b&gt;again&lt;/b&gt;" in shown
