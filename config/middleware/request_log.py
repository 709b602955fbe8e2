"""Request ids and log lines: every request has an id, and each API call logs one line."""

import re
import time
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from django.http import HttpRequest, HttpResponseBase
from structlog.contextvars import bind_contextvars, clear_contextvars
from uuid_utils import uuid7

HEADER = "X-Request-ID"
SAFE_ID = re.compile(r"[A-Za-z0-9_.-]{8,64}", re.ASCII)

log = structlog.get_logger("api")


class RequestLogMiddleware:
    """Binds the request's id to its log lines and returns it in a header."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        began = time.perf_counter()
        request_id = clean_request_id(request.META.get("HTTP_X_REQUEST_ID", ""))
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


def clean_request_id(given: str) -> str:
    """The caller's id, or a new one if the caller's has unexpected characters."""
    return given if SAFE_ID.fullmatch(given) else uuid7().hex


Application = Callable[..., Awaitable[None]]


def add_request_id(application: Application) -> Application:
    """Wrap a WebSocket application so that its log lines carry the request's id."""

    async def bound(scope: dict[str, Any], receive: Any, send: Any) -> None:
        headers = dict(scope.get("headers", ()))
        given = headers.get(HEADER.lower().encode(), b"").decode("latin-1")
        clear_contextvars()
        bind_contextvars(request_id=clean_request_id(given))
        await application(scope, receive, send)

    return bound
