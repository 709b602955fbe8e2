"""What a chatbot may ask that needs both sides: whether a human would come, and when."""

from typing import Annotated

from drf_spectacular.utils import OpenApiParameter, extend_schema
from pydantic import Field
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from dispatch.waits import availability, availability_schema
from dispatch.waits.availability import AvailabilityQuery
from tickets import clock, skills
from tickets.api.requests import PROBLEMS, client_of, invalid, render
from tickets.handoff import Contract, LanguageTag, SkillNeed, Slug, Topic


class AvailabilityParameters(Contract):
    """The parameters as they were given."""

    language: LanguageTag
    skills: Annotated[list[SkillNeed], Field(max_length=8)] = []
    gives_way: Annotated[list[Slug], Field(max_length=8)] = []
    topic: Topic = ""

    @property
    def wish(self) -> AvailabilityQuery:
        needs = {need.code: need.level for need in self.skills}
        return AvailabilityQuery(
            self.language.split("-")[0].lower(), needs, self.topic, self.gives_way
        )


class AvailabilityView(APIView):
    """Whether a human would come, and when."""

    @extend_schema(
        operation_id="availability",
        summary="What a customer who asked for a human now would meet; opens nothing",
        parameters=[
            OpenApiParameter("language", str, required=True, description='Such as "fr-CA".'),
            OpenApiParameter("skills", str, description='Such as "cards:2,payments".'),
            OpenApiParameter(
                "gives_way", str, description='Those skills that give way, such as "payments".'
            ),
            OpenApiParameter("topic", str, description="As an escalation would have it."),
        ],
        responses={200: availability_schema.Availability, **PROBLEMS},
    )
    def get(self, request: Request) -> Response:
        wish = asked(request).wish
        return render(availability.check(client_of(request), wish, at=clock.now()))


def asked(request: Request) -> AvailabilityParameters:
    """The question, read strictly: a parameter nobody knows, or given twice, is an error."""
    given: dict[str, object] = dict(request.query_params.items())
    for name, values in request.query_params.lists():
        if len(values) > 1:
            raise invalid((name,), "given twice")
    if not given.get("topic"):
        given.pop("topic", None)
    if "skills" in given:
        given["skills"] = [need(one) for one in parted(given["skills"])]
    if "gives_way" in given:
        given["gives_way"] = parted(given["gives_way"])
    return checked(AvailabilityParameters.model_validate(given))


def checked(question: AvailabilityParameters) -> AvailabilityParameters:
    """Its skills are known, each named once, and what gives way is among them."""
    codes = [one.code for one in question.skills]
    if unknown := skills.unknown(codes):
        raise invalid(("skills", codes.index(unknown[0])), "unknown skill")
    if len(set(codes)) < len(codes):
        raise invalid(("skills",), "named twice")
    if not set(question.gives_way) <= set(codes):
        raise invalid(("gives_way",), "not among the skills")
    return question


def parted(text: object) -> list[str]:
    return [part.strip() for part in str(text).split(",") if part.strip()]


def need(text: str) -> dict[str, object]:
    """ "cards:2" as an escalation writes it; without a level any will do."""
    code, colon, level = text.strip().partition(":")
    if not colon:
        return {"code": code}
    digit = level.isascii() and level.isdecimal() and len(level) == 1
    return {"code": code, "level": int(level) if digit else level}
