"""Opening hours of a client."""

from datetime import UTC, datetime

import pytest

from tickets import opening_hours
from tickets.opening_hours import Hours, OpeningState

OFFICE = {day: [["09:00", "12:30"], ["13:30", "17:00"]] for day in opening_hours.DAYS[:5]}


def utc(*parts: int) -> datetime:
    return datetime(2026, *parts, tzinfo=UTC)


def look(week: dict[str, list[list[str]]], at: datetime, zone: str = "UTC") -> OpeningState:
    return opening_hours.get_state(Hours(week, zone), at=at)


@pytest.mark.parametrize("week", [{}, {"mon": []}])
def test_a_client_without_hours_is_always_open(week: dict[str, list[list[str]]]) -> None:
    assert look(week, utc(11, 22, 3)) == OpeningState(open=True)


def test_an_open_client_has_its_closing_time() -> None:
    assert look(OFFICE, utc(11, 23, 9)) == OpeningState(open=True, closes_at=utc(11, 23, 12, 30))


def test_a_closed_client_has_its_opening_time() -> None:
    assert look(OFFICE, utc(11, 23, 12, 30)) == OpeningState(
        open=False, opens_at=utc(11, 23, 13, 30)
    )


def test_a_client_closed_on_friday_evening_opens_on_monday() -> None:
    assert look(OFFICE, utc(11, 27, 17)).opens_at == utc(11, 30, 9)


def test_a_client_open_one_day_a_week_opens_in_a_week() -> None:
    assert look({"mon": [["09:00", "10:00"]]}, utc(11, 23, 10)).opens_at == utc(11, 30, 9)


def test_the_hours_are_those_of_the_clients_zone() -> None:
    assert look(OFFICE, utc(11, 23, 8), "Europe/Paris").open
    assert not look(OFFICE, utc(11, 23, 8), "Europe/London").open


def test_hours_follow_the_wall_clock_when_summer_time_begins() -> None:
    """In Paris summer time began on 29 March: nine o'clock was 8:00 UTC and became 7:00."""
    sunday = {"sun": [["00:00", "09:00"]]}

    assert look(sunday, utc(3, 29, 0), "Europe/Paris").closes_at == utc(3, 29, 7)
    assert look({"mon": [["09:00", "10:00"]]}, utc(3, 24), "Europe/Paris").opens_at == utc(3, 30, 7)


def test_spans_that_touch_at_midnight_are_merged() -> None:
    night = {"fri": [["20:00", "24:00"]], "sat": [["00:00", "04:00"]]}

    assert look(night, utc(11, 27, 23)).closes_at == utc(11, 28, 4)
    assert look(night, utc(11, 28, 1)).open


def test_a_week_without_a_gap_never_closes() -> None:
    whole = {day: [["00:00", "24:00"]] for day in opening_hours.DAYS}

    assert look(whole, utc(11, 22, 3)) == OpeningState(open=True)


def test_an_unknown_time_zone_is_read_as_utc() -> None:
    assert look(OFFICE, utc(11, 23, 9), "Mars/Olympus").open


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("", []),
        ("9:00-12:30, 13:30–17:00", [["09:00", "12:30"], ["13:30", "17:00"]]),
        ("13:00-24:00,00:00-06:00", [["00:00", "06:00"], ["13:00", "24:00"]]),
        ("9h00 - 17h30", [["09:00", "17:30"]]),
    ],
)
def test_a_day_is_parsed_from_text(text: str, spans: list[list[str]]) -> None:
    assert opening_hours.parse_day(text) == spans
    assert opening_hours.parse_day(opening_hours.format_day(spans)) == spans


@pytest.mark.parametrize(
    "text",
    ["nine", "9:00", "09:00-08:00", "09:00-09:00", "09:00-25:00", "09:60-10:00", "24:00-24:00",
     "09:00-12:00, 11:00-13:00", "09:00-10:00-11:00", "٠٩:٠٠-١٠:٠٠"],
)  # fmt: skip
def test_an_invalid_day_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        opening_hours.parse_day(text)
