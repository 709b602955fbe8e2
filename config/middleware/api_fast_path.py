"""The API's way past what only pages need: sessions, languages, forms, policies of scripts."""

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
#: These two are read in a browser.
PAGES = ("/api/v1/docs", "/api/v1/schema")
#: Nothing in an answer of the API is ever run, framed or kept.
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Frame-Options": "DENY",
    "Permissions-Policy": NO_SENSORS,
    "Cache-Control": "no-store",
}


class ApiFastPath(BaseHandler):
    """Django's own handling of a request: the address, the view, nothing around them."""

    _view_middleware = ()
    _template_response_middleware = ()
    _exception_middleware = ()


class Shortcut:
    """A middleware: what stands above it in the settings is for all, what is below for pages."""

    def __init__(self, get_response: Answer) -> None:
        self.pages = get_response
        bare: Answer = ApiFastPath()._get_response  # type: ignore[attr-defined]
        self.api = cast(Answer, convert_exception_to_response(bare))

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path_info.startswith(API) or request.path_info in PAGES:
            return self.pages(request)
        # A host that isn't ours is refused; and no thread keeps the last reader's language.
        request.get_host()
        translation.activate(settings.LANGUAGE_CODE)
        response = self.api(request)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        response.headers.setdefault("Content-Length", str(len(response.content)))
        return response
