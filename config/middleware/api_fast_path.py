"""The API's fast path: API calls skip sessions, languages, forms and script policies."""

from collections.abc import Callable
from typing import cast

from django.conf import settings
from django.core.handlers.base import BaseHandler
from django.core.handlers.exception import convert_exception_to_response
from django.http import HttpRequest, HttpResponse
from django.utils import translation

from config.middleware.security_headers import NO_SENSORS

Answer = Callable[[HttpRequest], HttpResponse]

API = "/api/"
#: A browser shows these two, so they need the middlewares of pages.
PAGES = ("/api/v1/docs", "/api/v1/schema")
#: A browser must not run, frame or store an API response.
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Frame-Options": "DENY",
    "Permissions-Policy": NO_SENSORS,
    "Cache-Control": "no-store",
}


class ApiFastPath(BaseHandler):
    """Django's request handling without middlewares: URL resolution and the view."""

    _view_middleware = ()
    _template_response_middleware = ()
    _exception_middleware = ()


class ApiFastPathMiddleware:
    """A middleware. In the settings, those above it apply to all requests, those below to pages
    only."""

    def __init__(self, get_response: Answer) -> None:
        self.pages = get_response
        bare: Answer = ApiFastPath()._get_response  # type: ignore[attr-defined]
        self.api = cast(Answer, convert_exception_to_response(bare))

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path_info.startswith(API) or request.path_info in PAGES:
            return self.pages(request)
        # Reject an unknown host, and drop the language that the previous request left in this
        # thread.
        request.get_host()
        translation.activate(settings.LANGUAGE_CODE)
        response = self.api(request)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        response.headers.setdefault("Content-Length", str(len(response.content)))
        return response
