"""The API's format: JSON, and errors as RFC 9457 problem JSON with a machine-readable code."""

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

import orjson
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, JsonResponse
from psycopg_pool import PoolTimeout
from pydantic import ValidationError
from rest_framework.exceptions import APIException
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import exception_handler, set_rollback

from tickets.errors import ConversationAlreadyOpen, TicketError

MEDIA_TYPE = "application/problem+json"
Problem = tuple[int, str, str, dict[str, Any]]


class PlainJsonRenderer(BaseRenderer):
    """Writes JSON with orjson, because responses are plain values already."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(self, data: Any, accepted_media_type: Any = None, context: Any = None) -> bytes:
        return orjson.dumps(data)


class SingleFormatNegotiation(DefaultContentNegotiation):
    """Skips negotiation, because each view has a single response format."""

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: Any = None
    ) -> tuple[BaseRenderer, str]:
        only, *others = renderers
        if not others:
            return only, str(only.media_type)
        chosen: tuple[BaseRenderer, str] = super().select_renderer(
            request, [only, *others], format_suffix
        )
        return chosen


def render_problem(error: Exception, context: dict[str, Any]) -> Response | None:
    """The exception handler of REST framework. It returns None for an unforeseen error, which is
    then logged."""
    said = _explain(error)
    if said is None:
        return None
    set_rollback()
    status, code, detail, more = said
    standard = exception_handler(error, context)
    headers = dict(standard.items()) if standard is not None else {}
    headers.pop("Content-Type", None)
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers["Retry-After"] = "2"
    body = make_document(status, code, detail, path=context["request"].path, **more)
    return Response(body, status=status, headers=headers, content_type=MEDIA_TYPE)


def make_document(status: int, code: str, detail: str, *, path: str, **more: Any) -> dict[str, Any]:
    """Build a problem document."""
    return {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "instance": path,
        "code": code,
        **more,
    }


def render_not_found(request: HttpRequest, exception: Exception | None = None) -> JsonResponse:
    """The response for an unknown address under /api/."""
    body = make_document(404, "not_found", "There is nothing at this address.", path=request.path)
    return JsonResponse(body, status=404, content_type=MEDIA_TYPE)


def _explain(error: Exception) -> Problem | None:
    if isinstance(error, ValidationError):
        return _invalid(error)
    if isinstance(error, ConversationAlreadyOpen):
        return error.status, error.code, str(error), {"ticket": str(error.ticket)}
    if isinstance(error, TicketError):
        return error.status, error.code, str(error), {}
    if isinstance(error, RequestDataTooBig):
        return 413, "too_large", "The body must not exceed 1 MiB.", {}
    if isinstance(error, (OperationalError, InterfaceError, PoolTimeout)):
        return 503, "unavailable", "The service is restarting. Try again in two seconds.", {}
    if isinstance(error, Http404):
        return 404, "not_found", "There is nothing at this address.", {}
    if isinstance(error, PermissionDenied):
        return 403, "forbidden", "This is not allowed.", {}
    if isinstance(error, APIException):
        return error.status_code, str(error.default_code), str(error.detail), {}
    return None


def _invalid(error: ValidationError) -> Problem:
    errors = [
        _field_error(dict(one)) for one in error.errors(include_url=False, include_input=False)
    ]
    detail = "; ".join(f"{one['field']}: {one['detail']}" for one in errors[:5])
    return 400, "invalid", detail, {"errors": errors[:50]}


def _field_error(one: dict[str, Any]) -> dict[str, str]:
    """The error of one field. A check across fields names its field itself: "field: complaint"."""
    field = ".".join(str(part) for part in one["loc"])
    text = one["msg"].removeprefix("Value error, ")
    if not field and one["type"] == "value_error" and ": " in text:
        field, text = text.split(": ", 1)
    return {"field": field or "body", "detail": text}
