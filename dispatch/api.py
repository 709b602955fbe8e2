"""The API endpoint that needs both sides: whether an agent would answer, and when."""

from typing import Annotated

from drf_spectacular.utils import OpenApiParameter, extend_schema
from pydantic import Field
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from dispatch.waits import availability, availability_schema
from dispatch.waits.availability import AvailabilityQuery
from tickets import clock, skills
from tickets.api.requests import PROBLEMS, build_error, get_client, render
from tickets.handoff import Contract, LanguageTag, SkillNeed, Slug, Topic


class AvailabilityParameters(Contract):
    """The query parameters, parsed strictly."""

    language: LanguageTag
    skills: Annotated[list[SkillNeed], Field(max_length=8)] = []
    gives_way: Annotated[list[Slug], Field(max_length=8)] = []
    topic: Topic = ""

    @property
    def query(self) -> AvailabilityQuery:
        needs = {need.code: need.level for need in self.skills}
        return AvailabilityQuery(
            self.language.split("-")[0].lower(), needs, self.topic, self.gives_way
        )


class AvailabilityView(APIView):
    """Whether an agent would answer a customer now, and when."""

    @extend_schema(
        operation_id="availability",
        summary="Whether an agent would answer a customer now, and when; opens no ticket",
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
        wish = parse_parameters(request).query
        return render(availability.check(get_client(request), wish, at=clock.now()))


def parse_parameters(request: Request) -> AvailabilityParameters:
    """Parse the query strictly: an unknown or repeated parameter is an error."""
    given: dict[str, object] = dict(request.query_params.items())
    for name, values in request.query_params.lists():
        if len(values) > 1:
            raise build_error((name,), "given twice")
    if not given.get("topic"):
        given.pop("topic", None)
    if "skills" in given:
        given["skills"] = [parse_need(one) for one in split_list(given["skills"])]
    if "gives_way" in given:
        given["gives_way"] = split_list(given["gives_way"])
    return check_parameters(AvailabilityParameters.model_validate(given))


def check_parameters(question: AvailabilityParameters) -> AvailabilityParameters:
    """Refuse unknown or repeated skills, and a `gives_way` that is not among the skills."""
    codes = [one.code for one in question.skills]
    if unknown := skills.list_unknown(codes):
        raise build_error(("skills", codes.index(unknown[0])), "unknown skill")
    if len(set(codes)) < len(codes):
        raise build_error(("skills",), "named twice")
    if not set(question.gives_way) <= set(codes):
        raise build_error(("gives_way",), "not among the skills")
    return question


def split_list(text: object) -> list[str]:
    return [part.strip() for part in str(text).split(",") if part.strip()]


def parse_need(text: str) -> dict[str, object]:
    """Parse "cards:2" into the form of an escalation. Without a level any level is enough."""
    code, colon, level = text.strip().partition(":")
    if not colon:
        return {"code": code}
    digit = level.isascii() and level.isdecimal() and len(level) == 1
    return {"code": code, "level": int(level) if digit else level}
