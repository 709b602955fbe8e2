"""API responses that need both sides, typed as in `tickets.api.schemas`."""

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
    def from_wait(cls, wait: Wait) -> "ExpectedWait":
        return cls.model_validate(
            {"p50": wait.p50, "p90": wait.p90, "unknown": wait.unknown or None}
        )


class Level(BaseModel):
    """Agents on line who speak the language at this level and have all skills at this level."""

    language_level: int = Field(description="1 to 5; 5 is native.")
    skill_level: int | None = Field(
        description="1 to 5, the lowest among the required skills. Null when none is required."
    )
    able: bool = Field(description="False: only after the required levels are lowered.")
    free: int
    busy: int


class AgentsOnLine(BaseModel):
    """How many agents could serve such a ticket. Counts, never names."""

    free: int = Field(description="Qualified, with capacity for one more now.")
    busy: int = Field(description="Qualified, without capacity now.")
    nearly: int = Field(description="Have the skills, but at lower levels than required.")
    levels: list[Level]


class Day(BaseModel):
    """The opening hours of a weekday, local time, "09:00" to "24:00"."""

    day: Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    open: list[tuple[str, str]]


class OpeningHours(BaseModel):
    """The hours in which the client's agents are expected to be on line."""

    open: bool
    opens_at: datetime | None = Field(description="Null while it is open.")
    closes_at: datetime | None = Field(description="Null while it is closed, or when it never is.")
    time_zone: str
    week: list[Day] = Field(description="Empty: always open.")

    @classmethod
    def from_state(cls, hours: Hours, now: OpeningState) -> "OpeningHours":
        days = () if hours.is_always_open else DAYS
        return cls(
            open=now.open,
            opens_at=now.opens_at,
            closes_at=now.closes_at,
            time_zone=hours.time_zone,
            week=[Day.model_validate({"day": day, "open": hours.get_spans(day)}) for day in days],
        )


class WithoutSkill(BaseModel):
    """The wait without one of the skills."""

    kind: Literal["without_skill"] = "without_skill"
    skill: str
    free: int
    expected_wait_s: ExpectedWait


class OtherLanguage(BaseModel):
    """A language in which a free agent has the same skills."""

    kind: Literal["other_language"] = "other_language"
    language: str
    free: int


class StayWithBot(BaseModel):
    """The bot goes on and escalates only if it must."""

    kind: Literal["stay_with_bot"] = "stay_with_bot"


class ComeBack(BaseModel):
    """Escalate when the client opens."""

    kind: Literal["come_back"] = "come_back"
    opens_at: datetime


Alternative = Annotated[
    WithoutSkill | OtherLanguage | StayWithBot | ComeBack, Field(discriminator="kind")
]


class Availability(BaseModel):
    """The position, the wait and the alternatives of a customer who escalates now."""

    position: int = Field(description="The position in the queue; 1 is next.")
    expected_wait_s: ExpectedWait
    gives_up_after_s: int = Field(
        serialization_alias="told_after_s",
        description="Seconds until the customer is told that nobody is available.",
    )
    agents: AgentsOnLine
    opening_hours: OpeningHours
    alternatives: list[Alternative]
