"""Pages outside the apps: the landing page and two health checks."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from config import readiness


def landing(request: HttpRequest) -> HttpResponse:
    """The landing page, with links to each part."""
    return render(request, "doors.html")


def healthz(request: HttpRequest) -> HttpResponse:
    """Liveness of this process alone."""
    return HttpResponse("ok", content_type="text/plain")


def readyz(request: HttpRequest) -> JsonResponse:
    """Readiness of the installation: 200 when every check holds, else 503."""
    checks = readiness.run_checks()
    ready = all(check["ok"] for check in checks.values())
    return JsonResponse({"ready": ready, "checks": checks}, status=200 if ready else 503)
