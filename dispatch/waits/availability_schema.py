"""What the API answers with when both sides are needed: typed, as `tickets.api.schemas`."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from tickets.opening_hours import DAYS, Hours, OpeningState
from tickets.queue import Wait

Unknown = Literal[
    "closed", "nobody_on_line", "nobody_able", "no_rate_card", "long_queue", "no_waits_known"
]


class ExpectedWait(BaseModel):
    """Seconds within which half, and nine of ten, such customers are answered."""

    p50: int | None
    p90: int | None
    unknown: Unknown | None = Field(description="Why there is no number.")

    @classmethod
    def of(cls, wait: Wait) -> "ExpectedWait":
        return cls.model_validate(
            {"p50": wait.p50, "p90": wait.p90, "unknown": wait.unknown or None}
        )


class Level(BaseModel):
    """Agents on line who speak the language this well, and know all that is asked this well."""

    language_level: int = Field(description="1 to 5; 5 is native.")
    skill_level: int | None = Field(
        description="1 to 5, the lowest among the skills asked for. Null when none is."
    )
    able: bool = Field(description="False: only once the levels asked for are lowered.")
    free: int
    busy: int


class AgentsOnLine(BaseModel):
    """How many could serve such a ticket. Counts, never names."""

    free: int = Field(description="Able, with room for one more now.")
    busy: int = Field(description="Able, without room now.")
    nearly: int = Field(description="Know what is asked for, but less well than asked.")
    levels: list[Level]


class Day(BaseModel):
    """The open times of a weekday, "09:00" to "24:00" on the wall."""

    day: Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    open: list[tuple[str, str]]


class OpeningHours(BaseModel):
    """When the client's humans are meant to be there."""

    open: bool
    opens_at: datetime | None = Field(description="Null while it is open.")
    closes_at: datetime | None = Field(description="Null while it is closed, or when it never is.")
    time_zone: str
    week: list[Day] = Field(description="Empty: always open.")

    @classmethod
    def of(cls, hours: Hours, now: OpeningState) -> "OpeningHours":
        days = () if hours.is_always_open else DAYS
        return cls(
            open=now.open,
            opens_at=now.opens_at,
            closes_at=now.closes_at,
            time_zone=hours.time_zone,
            week=[Day.model_validate({"day": day, "open": hours.get_spans(day)}) for day in days],
        )


class WithoutSkill(BaseModel):
    """The same without one of the skills."""

    kind: Literal["without_skill"] = "without_skill"
    skill: str
    free: int
    expected_wait_s: ExpectedWait


class OtherLanguage(BaseModel):
    """Somebody is free who can do the same in a language the customer may speak."""

    kind: Literal["other_language"] = "other_language"
    language: str
    free: int


class StayWithBot(BaseModel):
    """The bot goes on, and asks for a human only when it must."""

    kind: Literal["stay_with_bot"] = "stay_with_bot"


class ComeBack(BaseModel):
    """Ask again when it is open."""

    kind: Literal["come_back"] = "come_back"
    opens_at: datetime


Alternative = Annotated[
    WithoutSkill | OtherLanguage | StayWithBot | ComeBack, Field(discriminator="kind")
]


class Availability(BaseModel):
    """What a customer who asked for this now would meet."""

    position: int = Field(description="The place in line; 1 is next.")
    expected_wait_s: ExpectedWait
    told_after_s: int = Field(description="After so long a customer is told nobody is available.")
    agents: AgentsOnLine
    opening_hours: OpeningHours
    alternatives: list[Alternative]
