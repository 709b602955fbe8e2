"""The thread through the logs: every request has an id, and each call of the API leaves a line."""

import re
import time
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from django.http import HttpRequest, HttpResponseBase
from structlog.contextvars import bind_contextvars, clear_contextvars
from uuid_utils import uuid7

HEADER = "X-Request-ID"
SANE = re.compile(r"[A-Za-z0-9_.-]{8,64}", re.ASCII)

log = structlog.get_logger("api")


class RequestLines:
    """Binds the request's id to all that is logged meanwhile, and returns it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        began = time.perf_counter()
        request_id = sane(request.META.get("HTTP_X_REQUEST_ID", ""))
        clear_contextvars()
        bind_contextvars(request_id=request_id)
        response = self.get_response(request)
        response.headers[HEADER] = request_id
        if request.path_info.startswith("/api/"):
            log.info(
                "request",
                method=request.method,
                route=getattr(request.resolver_match, "route", ""),
                status=response.status_code,
                ms=round((time.perf_counter() - began) * 1000, 1),
            )
        return response


def sane(given: str) -> str:
    """The id the caller gave, or one of ours where it could be anything."""
    return given if SANE.fullmatch(given) else uuid7().hex


Application = Callable[..., Awaitable[None]]


def with_request_id(application: Application) -> Application:
    """The same for a socket: whatever is logged while it is open carries its id."""

    async def bound(scope: dict[str, Any], receive: Any, send: Any) -> None:
        headers = dict(scope.get("headers", ()))
        given = headers.get(HEADER.lower().encode(), b"").decode("latin-1")
        clear_contextvars()
        bind_contextvars(request_id=sane(given))
        await application(scope, receive, send)

    return bound
