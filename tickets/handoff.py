"""The typed handoff contract, version 1: what a bot says when it asks for a human.

Strict: an unknown field or a value of another type is an error that names its place, so that
nothing a bot meant is silently dropped.
"""

from datetime import datetime
from functools import lru_cache
from typing import Annotated, Literal

from babel import Locale, UnknownLocaleError
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from tickets.models import Ticket

MAX_MESSAGES = 500
MAX_TRANSCRIPT_BYTES = 256 * 1024
MAX_CONTEXT_BYTES = 4 * 1024


def _no_nul(text: str) -> str:
    if "\x00" in text:
        raise ValueError("must not contain the character U+0000")
    return text


def _whole(number: object) -> object:
    if type(number) is not int:
        raise ValueError("must be a whole number")
    return number


@lru_cache(maxsize=1024)
def _language(tag: str) -> str:
    try:
        Locale.parse(tag, sep="-")
    except (ValueError, UnknownLocaleError, TypeError):
        raise ValueError('must be a language tag such as "en" or "fr-CA"') from None
    return tag


Text = Annotated[str, AfterValidator(_no_nul)]
Ref = Annotated[str, StringConstraints(min_length=1, max_length=120), AfterValidator(_no_nul)]
Name = Ref
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]*$", max_length=40)]
Topic = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]*$", max_length=60)]
# Babel also reads what POSIX adds ("en.utf8", "en@euro"), which is no language tag.
LanguageTag = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]+)*$", max_length=16),
    AfterValidator(_language),
]
Words = Annotated[str, StringConstraints(min_length=1, max_length=10_000), AfterValidator(_no_nul)]


class Contract(BaseModel):
    """Base of all that comes in: strict types, no unknown fields."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class Customer(Contract):
    """The person asking: a reference that means something to the client, and a name to show."""

    ref: Ref
    name: Name


class SkillNeed(Contract):
    """A skill the agent must have, at least at this proficiency (1 to 5).

    Once the customer has waited as long as the client promised, the level may be lowered a little,
    as the matching policy says, but never below 1: the skill stays asked for. Only a skill that
    `gives_way` is dropped, at the policy's last step. A client's certificate always stays.
    """

    code: Slug
    level: Annotated[int, Field(ge=1, le=5)] = 1
    gives_way: Annotated[
        bool,
        Field(
            description="True: rather an agent without this skill than a wait beyond the policy's "
            "last step. False: the customer waits until somebody who knows it is free."
        ),
    ] = False


class Line(Contract):
    """One line of the conversation so far."""

    role: Literal["customer", "bot"]
    at: datetime
    text: Annotated[str, StringConstraints(max_length=20_000), AfterValidator(_no_nul)]


class Escalation(Contract):
    """A request for a human, with all the bot knows."""

    # A literal alone would take 1.0 and true for 1.
    version: Annotated[Literal[1], BeforeValidator(_whole)]
    conversation_ref: Ref
    customer: Customer
    language: LanguageTag
    topic: Topic
    skills: Annotated[list[SkillNeed], Field(max_length=8)] = []
    urgency: Literal["low", "normal", "high"] = "normal"
    summary: Annotated[str, StringConstraints(max_length=4_000), AfterValidator(_no_nul)] = ""
    tried: Annotated[list[Annotated[Text, Field(max_length=500)]], Field(max_length=20)] = []
    transcript: Annotated[list[Line], Field(max_length=MAX_MESSAGES)] = []
    context: dict[
        Annotated[str, StringConstraints(min_length=1, max_length=64), AfterValidator(_no_nul)],
        Text | int | float | bool | None,
    ] = {}

    @model_validator(mode="after")
    def _fits(self) -> "Escalation":
        if sum(len(line.text.encode()) for line in self.transcript) > MAX_TRANSCRIPT_BYTES:
            raise ValueError(
                f"transcript: must not exceed {MAX_TRANSCRIPT_BYTES // 1024} KiB of text"
            )
        written = sum(len(key) + len(str(value).encode()) for key, value in self.context.items())
        if written > MAX_CONTEXT_BYTES:
            raise ValueError(f"context: must not exceed {MAX_CONTEXT_BYTES // 1024} KiB")
        return self

    @property
    def base_language(self) -> str:
        """The language without its region: "fr" of "fr-CA"."""
        return self.language.split("-")[0].lower()

    @property
    def urgency_level(self) -> Ticket.Urgency:
        return Ticket.Urgency[self.urgency.upper()]


class CustomerMessage(Contract):
    """What the customer says while waiting for or talking to a human."""

    client_message_id: Annotated[
        str, StringConstraints(min_length=1, max_length=64), AfterValidator(_no_nul)
    ]
    text: Words


class Opinion(Contract):
    """What the customer says of how it went."""

    solved: bool
    score: Annotated[int, Field(ge=1, le=5, description="1 is worst, 5 is best.")] | None = None
    comment: Annotated[str, StringConstraints(max_length=2_000), AfterValidator(_no_nul)] = ""


class Cancellation(Contract):
    """The customer left."""

    reason: Annotated[str, StringConstraints(max_length=40), AfterValidator(_no_nul)] = "left"
