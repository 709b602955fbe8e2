"""The typed handoff contract, version 1: what a bot sends when it asks for a human.

The contract is strict: an unknown field or a wrong type is an error that names the field. So
nothing a bot sends is dropped silently.
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


def _refuse_nul(text: str) -> str:
    if "\x00" in text:
        raise ValueError("must not contain the character U+0000")
    return text


def _require_int(number: object) -> object:
    if type(number) is not int:
        raise ValueError("must be a whole number")
    return number


@lru_cache(maxsize=1024)
def _check_language(tag: str) -> str:
    try:
        Locale.parse(tag, sep="-")
    except (ValueError, UnknownLocaleError, TypeError):
        raise ValueError('must be a language tag such as "en" or "fr-CA"') from None
    return tag


Text = Annotated[str, AfterValidator(_refuse_nul)]
Ref = Annotated[str, StringConstraints(min_length=1, max_length=120), AfterValidator(_refuse_nul)]
Name = Ref
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]*$", max_length=40)]
Topic = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]*$", max_length=60)]
# The pattern refuses POSIX locales ("en.utf8", "en@euro"), because Babel would accept them.
LanguageTag = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]+)*$", max_length=16),
    AfterValidator(_check_language),
]
MessageText = Annotated[
    str, StringConstraints(min_length=1, max_length=10_000), AfterValidator(_refuse_nul)
]


class Contract(BaseModel):
    """Base of all request bodies: strict types, no unknown fields."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class Customer(Contract):
    """The customer: the client's own reference for the person, and a name to show."""

    ref: Ref
    name: Name


class SkillNeed(Contract):
    """A skill the agent must have, at least at this proficiency (1 to 5).

    After the client's promised wait, the matching policy may lower the required level a little, but
    never below 1: the skill stays required. Only a skill that `gives_way` is dropped, at the
    policy's last step. The certificate of a client is never dropped.
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
    text: Annotated[str, StringConstraints(max_length=20_000), AfterValidator(_refuse_nul)]


class Escalation(Contract):
    """A request for a human, with everything the bot knows."""

    # Literal alone would accept 1.0 and true as 1.
    version: Annotated[Literal[1], BeforeValidator(_require_int)]
    conversation_ref: Ref
    customer: Customer
    language: LanguageTag
    topic: Topic
    skills: Annotated[list[SkillNeed], Field(max_length=8)] = []
    urgency: Literal["low", "normal", "high"] = "normal"
    summary: Annotated[str, StringConstraints(max_length=4_000), AfterValidator(_refuse_nul)] = ""
    tried: Annotated[list[Annotated[Text, Field(max_length=500)]], Field(max_length=20)] = []
    transcript: Annotated[list[Line], Field(max_length=MAX_MESSAGES)] = []
    context: dict[
        Annotated[str, StringConstraints(min_length=1, max_length=64), AfterValidator(_refuse_nul)],
        Text | int | float | bool | None,
    ] = {}

    @model_validator(mode="after")
    def _check_size(self) -> "Escalation":
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
        """The language without its region: "fr" for "fr-CA"."""
        return self.language.split("-")[0].lower()

    @property
    def urgency_level(self) -> Ticket.Urgency:
        return Ticket.Urgency[self.urgency.upper()]


class CustomerMessage(Contract):
    """A message from a customer who waits for or talks to a human."""

    client_message_id: Annotated[
        str, StringConstraints(min_length=1, max_length=64), AfterValidator(_refuse_nul)
    ]
    text: MessageText


class Opinion(Contract):
    """The customer's review of an ended ticket."""

    solved: bool
    score: Annotated[int, Field(ge=1, le=5, description="1 is worst, 5 is best.")] | None = None
    comment: Annotated[str, StringConstraints(max_length=2_000), AfterValidator(_refuse_nul)] = ""


class Cancellation(Contract):
    """The customer left."""

    reason: Annotated[str, StringConstraints(max_length=40), AfterValidator(_refuse_nul)] = "left"
