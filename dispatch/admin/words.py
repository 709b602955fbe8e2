"""Why an agent was asked, as people read it."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from agents.admin.words import lasting, paired

#: What each part of the cost of a pair is for.
PARTS = {
    "language": gettext_lazy("how well they speak the language"),
    "skill": gettext_lazy("how well they know what is asked for"),
    "quality": gettext_lazy("what reviews say of their work"),
    "idle": gettext_lazy("how long they have been free"),
    "share": gettext_lazy("their share of today's work"),
    "stranger": gettext_lazy("whether they know this customer"),
    "asked_before": gettext_lazy("did not answer when asked before"),
}


def reasons(given: Mapping[str, Any]) -> list[str]:
    """The reasons of an offer, one a line."""
    lines = [_part(name, points) for name, points in given.get("costs", {}).items()]
    if candidates := given.get("candidates"):
        lines.append(
            ngettext("the only one who fitted", "best of %(count)d who fitted", candidates)
            % {"count": candidates}
        )
    if "waited_s" in given:
        waited = lasting(timedelta(seconds=given["waited_s"]))
        lines.append(_("the customer had waited %(time)s") % {"time": waited})
    return lines


def _part(name: str, points: int) -> str:
    counted = ngettext("%(count)d point", "%(count)d points", points) % {"count": points}
    return paired(str(PARTS.get(name, name)), counted)
