"""The public page that explains matching, generated from the policy in force."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from dispatch.explanations import rulebook
from tickets import clock


@require_GET
def how_matching_works(request: HttpRequest) -> HttpResponse:
    """Show the current policy as text, the coming versions and the earlier ones."""
    current, to_come, before = rulebook.read_versions(at=clock.now())
    context = {
        "book": rulebook.build(current),
        "to_come": [
            (version, rulebook.list_changes(version, former))
            for former, version in zip([current, *to_come], to_come, strict=False)
        ],
        "before": before,
        "inputs": rulebook.INPUTS.values(),
    }
    return render(request, "desk/how_matching_works.html", context)
