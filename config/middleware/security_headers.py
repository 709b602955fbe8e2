"""Headers of every page. Only the admin theme needs inline styles and evaluated expressions."""

from typing import Any

from csp.constants import SELF, UNSAFE_EVAL, UNSAFE_INLINE
from csp.middleware import CSPMiddleware, PolicyParts
from django.http import HttpRequest, HttpResponseBase

ADMIN_POLICY: dict[str, Any] = {
    "script-src": [SELF, UNSAFE_EVAL],
    "style-src": [SELF, UNSAFE_INLINE],
}
#: The browsable API sets inline styles.
DOCS_POLICY: dict[str, Any] = {"style-src": [SELF, UNSAFE_INLINE]}
NO_SENSORS = "camera=(), microphone=(), display-capture=(), geolocation=()"


class PagePolicy(CSPMiddleware):
    """The content policy of a page. Caches store no page that names a person."""

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        response.headers["Permissions-Policy"] = NO_SENSORS
        response.headers.setdefault("Cache-Control", "no-store")
        return super().process_response(request, response)

    def get_policy_parts(
        self, request: HttpRequest, response: HttpResponseBase, report_only: bool = False
    ) -> PolicyParts:
        parts = super().get_policy_parts(request, response, report_only)
        if report_only:
            return parts
        if request.path.startswith("/admin/"):
            parts.replace = ADMIN_POLICY
        elif request.path == "/api/v1/docs":
            parts.replace = DOCS_POLICY
        return parts
