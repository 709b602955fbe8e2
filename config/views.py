"""The pages that belong to nobody: the doors, and a sign of life."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def doors(request: HttpRequest) -> HttpResponse:
    """Where to go from the bare address."""
    return render(request, "doors.html")


def healthz(request: HttpRequest) -> HttpResponse:
    """This process answers. It says nothing of the others."""
    return HttpResponse("ok", content_type="text/plain")
