"""The pages that belong to nobody: the doors, and two signs of life."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from config import readiness


def landing(request: HttpRequest) -> HttpResponse:
    """Where to go from the bare address."""
    return render(request, "doors.html")


def healthz(request: HttpRequest) -> HttpResponse:
    """This process answers. It says nothing of the others."""
    return HttpResponse("ok", content_type="text/plain")


def readyz(request: HttpRequest) -> JsonResponse:
    """Whether the installation can do its work: 200 when every check holds, else 503."""
    checks = readiness.checks()
    ready = all(check["ok"] for check in checks.values())
    return JsonResponse({"ready": ready, "checks": checks}, status=200 if ready else 503)
