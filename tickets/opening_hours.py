"""Opening hours of a client, in the client's own time zone.

The client stores a list of open times for each weekday, {"mon": [["09:00", "12:30"]]}. A weekday
that is missing is closed; no weekday at all means always open. Pure: the time is passed as `at`.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tickets.models import Client

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MIDNIGHT = "24:00"
CLOCK = re.compile(r"([01]?\d|2[0-3])[:.h]?([0-5]\d)|24[:.h]?00", re.ASCII)
#: Days to look ahead: a week, a day for the time zone, and a day for a span past midnight.
AHEAD = 9

Span = tuple[datetime, datetime]


@dataclass(frozen=True)
class Hours:
    """The opening hours of a week, and their time zone."""

    week: Mapping[str, Sequence[Sequence[str]]]
    time_zone: str

    @property
    def is_always_open(self) -> bool:
        return not any(self.week.values())

    def get_spans(self, day: str) -> Sequence[Sequence[str]]:
        """The open times of a weekday."""
        return self.week.get(day, [])


@dataclass(frozen=True)
class OpeningState:
    """Whether it is open, and until when. No time if that never changes."""

    open: bool
    opens_at: datetime | None = None
    closes_at: datetime | None = None


def get_hours(client: Client) -> Hours:
    return Hours(client.opening_hours, client.time_zone)


def get_state(hours: Hours, *, at: datetime) -> OpeningState:
    """Find out whether it is open, and when that changes next."""
    if hours.is_always_open:
        return OpeningState(open=True)
    horizon = at + timedelta(days=7)
    for start, end in _merge_spans(hours, at=at):
        if start <= at < end:
            return OpeningState(open=True, closes_at=end if end <= horizon else None)
        if start > at:
            return OpeningState(open=False, opens_at=start)
    return OpeningState(open=False)


def format_day(spans: Sequence[Sequence[str]]) -> str:
    """Write the open times of a day for people: "09:00–12:30, 13:30–17:00"."""
    return ", ".join(f"{start}–{end}" for start, end in spans)


def parse_day(text: str) -> list[list[str]]:
    """Read the open times of a day as people write them. Raises ValueError."""
    spans = sorted(_parse_span(part) for part in text.split(",") if part.strip())
    for (_, end), (start, _) in pairwise(spans):
        if start < end:
            raise ValueError(f"{start} is before {end}")
    return spans


def _parse_span(text: str) -> list[str]:
    ends = [_parse_time(part) for part in re.split(r"\s*[-–—]\s*", text.strip())]
    if len(ends) != 2 or ends[0] >= ends[1]:
        raise ValueError(text)
    return ends


def _parse_time(text: str) -> str:
    found = CLOCK.fullmatch(text)
    if not found:
        raise ValueError(text)
    return f"{found[1]:0>2}:{found[2]}" if found[1] else MIDNIGHT


def _merge_spans(hours: Hours, *, at: datetime) -> Iterator[Span]:
    """The open times from yesterday on, in order; those that touch are merged."""
    held: Span | None = None
    for span in _list_daily_spans(hours, at=at):
        if held and span[0] <= held[1]:
            held = (held[0], max(held[1], span[1]))
        else:
            if held:
                yield held
            held = span
    if held:
        yield held


def _list_daily_spans(hours: Hours, *, at: datetime) -> Iterator[Span]:
    zone = _get_zone(hours.time_zone)
    today = at.astimezone(zone).date()
    for ahead in range(-1, AHEAD):
        day = today + timedelta(days=ahead)
        for start, end in hours.get_spans(DAYS[day.weekday()]):
            midnight = datetime.combine(day, time(), tzinfo=zone)
            yield _get_instant(midnight, start, at=at), _get_instant(midnight, end, at=at)


def _get_instant(midnight: datetime, clock: str, *, at: datetime) -> datetime:
    """Turn a wall-clock time of that day into an instant in the zone of `at`."""
    hour, minute = map(int, clock.split(":"))
    # Adding to an aware datetime moves its wall-clock time, also when summer time begins or ends.
    return (midnight + timedelta(hours=hour, minutes=minute)).astimezone(at.tzinfo)


def _get_zone(name: str) -> ZoneInfo:
    """The time zone; UTC if this machine does not know it, so that no escalation fails."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")
