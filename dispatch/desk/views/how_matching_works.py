"""How matching works, for everybody to read: no login, made from the policy in force."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from dispatch.explanations import rulebook
from tickets import clock


@require_GET
def how_matching_works(request: HttpRequest) -> HttpResponse:
    """The policy in words, the one to come, and those of before."""
    current, to_come, before = rulebook.read_versions(at=clock.now())
    context = {
        "book": rulebook.build(current),
        "to_come": [
            (one, rulebook.list_changes(one, former))
            for former, one in zip([current, *to_come], to_come, strict=False)
        ],
        "before": before,
        "inputs": rulebook.INPUTS.values(),
    }
    return render(request, "desk/how_matching_works.html", context)
