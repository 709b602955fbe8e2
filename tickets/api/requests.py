"""Request parsing, errors and rendering shared by the views of the API."""

from typing import TypeVar, cast

from pydantic import BaseModel, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.request import Request
from rest_framework.response import Response

from tickets.api import schemas
from tickets.models import Client

Body = TypeVar("Body", bound=BaseModel)
PROBLEMS = {
    (status, "application/problem+json"): schemas.Problem for status in (400, 401, 404, 409, 422)
}


def get_client(request: Request) -> Client:
    """The client whose API key authenticated the request."""
    return cast(Client, request.user)


def render(answer: BaseModel, status: int = 200) -> Response:
    return Response(answer.model_dump(mode="json", by_alias=True), status=status)


def parse(request: Request, model: type[Body]) -> Body:
    """Parse the body strictly by the contract, straight from its bytes."""
    if request.content_type.split(";")[0].strip() != "application/json":
        raise UnsupportedMediaType(request.content_type)
    return model.model_validate_json(request.body)


def parse_whole_number(text: str, *, field: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise build_error((field,), "must be a whole number")
    return int(text)


def build_error(place: tuple[str | int, ...], complaint: str) -> ValidationError:
    error = PydanticCustomError("value_error", "{complaint}", {"complaint": complaint})
    return ValidationError.from_exception_data(
        "request", [InitErrorDetails(type=error, loc=place, input=None)]
    )
