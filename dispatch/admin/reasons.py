"""Sentences that tell a coordinator why an agent got an offer."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from agents.admin.formats import format_duration, join_label
from dispatch import wording
from dispatch.explanations.rulebook import PARTS
from dispatch.models import Offer

#: Why an online agent could not get the offer.
EXCLUDED = {
    "language": gettext_lazy("don’t speak the language"),
    "skill": gettext_lazy("below a level asked for"),
    "certificate": gettext_lazy("without the certificate"),
    "capacity": gettext_lazy("full"),
    "blocked": gettext_lazy("kept apart from this customer"),
    "asked": gettext_lazy("have it on their screen already"),
    "declined": gettext_lazy("passed on it"),
    "further": gettext_lazy("further down the line, not looked at"),
    "silent": gettext_lazy("page not heard from"),
}
#: The column title of each cost part, and its colour in a bar.
COLUMNS = {
    "language": (gettext_lazy("Language"), "#0f766e"),
    "skill": (gettext_lazy("Skills"), "#2563eb"),
    "scarce": (gettext_lazy("Kept for others"), "#0891b2"),
    "quality": (gettext_lazy("Reviews"), "#9333ea"),
    "idle": (gettext_lazy("Idle"), "#d97706"),
    "workload_today": (gettext_lazy("Share"), "#65a30d"),
    "no_prior_contact": (gettext_lazy("Not known"), "#db2777"),
    "asked_before": (gettext_lazy("Asked before"), "#64748b"),
}


def list_reasons(given: Mapping[str, Any]) -> list[str]:
    """List the reasons of an offer, one on a line."""
    lines = [_format_part(name, points) for name, points in given.get("costs", {}).items()]
    if candidates := given.get("candidates"):
        lines.append(
            ngettext("the only one who fitted", "best of %(count)d who fitted", candidates)
            % {"count": candidates}
        )
    if "waited_s" in given:
        waited = timedelta(seconds=given["waited_s"])
        lines.append(_("the customer had waited %(time)s") % {"time": format_duration(waited)})
        lines += wording.list_lowered(given.get("lowered", {}), waited=waited)
    return lines


def _format_part(name: str, points: int) -> str:
    counted = ngettext("%(count)d point", "%(count)d points", points) % {"count": points}
    return join_label(str(PARTS.get(name, name)), counted)


def link_decision(offer: Offer) -> str:
    """Link to the decision of an offer; empty if no wave made it."""
    if offer.decision_id is None:
        return ""
    page = reverse("admin:dispatch_decision_change", args=[offer.decision_id])
    return format_html(
        '<a class="text-link" href="{}?ticket={}">{}</a>',
        page, offer.ticket_id, _("Everybody who was there, and at what cost"),
    )  # fmt: skip
