"""Opening hours: when a client's humans are meant to be there, in the client's own time zone.

Kept on the client as a weekday to a list of from and to, {"mon": [["09:00", "12:30"]]}; a weekday
that isn't named is closed, and no weekday at all means always open. Pure: told `at`, reads nothing.
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
#: So far ahead the week is looked at: a day for the zone, a week and a day for what touches it.
AHEAD = 9

Span = tuple[datetime, datetime]


@dataclass(frozen=True)
class Hours:
    """The week of a client, and the zone it is meant in."""

    week: Mapping[str, Sequence[Sequence[str]]]
    time_zone: str

    @property
    def always(self) -> bool:
        return not any(self.week.values())

    def on(self, day: str) -> Sequence[Sequence[str]]:
        """The open times of a weekday."""
        return self.week.get(day, [])


@dataclass(frozen=True)
class OpeningState:
    """How it is now: open until, or closed until. Neither when that never changes."""

    open: bool
    opens_at: datetime | None = None
    closes_at: datetime | None = None


def of(client: Client) -> Hours:
    return Hours(client.opening_hours, client.time_zone)


def look(hours: Hours, *, at: datetime) -> OpeningState:
    """Whether it is open, and when that changes next."""
    if hours.always:
        return OpeningState(open=True)
    horizon = at + timedelta(days=7)
    for start, end in _spans(hours, at=at):
        if start <= at < end:
            return OpeningState(open=True, closes_at=end if end <= horizon else None)
        if start > at:
            return OpeningState(open=False, opens_at=start)
    return OpeningState(open=False)


def written(spans: Sequence[Sequence[str]]) -> str:
    """A day as people write it: "09:00–12:30, 13:30–17:00"."""
    return ", ".join(f"{start}–{end}" for start, end in spans)


def read(text: str) -> list[list[str]]:
    """A day as people write it, in order. Raises ValueError when it can't be understood."""
    spans = sorted(_span(part) for part in text.split(",") if part.strip())
    for (_, end), (start, _) in pairwise(spans):
        if start < end:
            raise ValueError(f"{start} is before {end}")
    return spans


def _span(text: str) -> list[str]:
    ends = [_clock(part) for part in re.split(r"\s*[-–—]\s*", text.strip())]
    if len(ends) != 2 or ends[0] >= ends[1]:
        raise ValueError(text)
    return ends


def _clock(text: str) -> str:
    found = CLOCK.fullmatch(text)
    if not found:
        raise ValueError(text)
    return f"{found[1]:0>2}:{found[2]}" if found[1] else MIDNIGHT


def _spans(hours: Hours, *, at: datetime) -> Iterator[Span]:
    """The open times from yesterday on, in order; those that touch are one."""
    held: Span | None = None
    for span in _daily(hours, at=at):
        if held and span[0] <= held[1]:
            held = (held[0], max(held[1], span[1]))
        else:
            if held:
                yield held
            held = span
    if held:
        yield held


def _daily(hours: Hours, *, at: datetime) -> Iterator[Span]:
    zone = _zone(hours.time_zone)
    today = at.astimezone(zone).date()
    for ahead in range(-1, AHEAD):
        day = today + timedelta(days=ahead)
        for start, end in hours.on(DAYS[day.weekday()]):
            midnight = datetime.combine(day, time(), tzinfo=zone)
            yield _on(midnight, start, at=at), _on(midnight, end, at=at)


def _on(midnight: datetime, clock: str, *, at: datetime) -> datetime:
    """This time of that day on the wall, as an instant in the zone of `at`."""
    hour, minute = map(int, clock.split(":"))
    # Addition within a zone moves the hands of the clock on the wall, which is what is meant.
    return (midnight + timedelta(hours=hour, minutes=minute)).astimezone(at.tzinfo)


def _zone(name: str) -> ZoneInfo:
    """A zone this machine doesn't know is no reason to lose an escalation."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")
