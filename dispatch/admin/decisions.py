"""The admin pages of decisions: what a wave read, all costs, its pairs, and a replay."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display

from agents.admin.base import SupplyRecordAdmin, instant_column
from agents.admin.formats import format_duration
from agents.models import Agent
from dispatch.admin import reasons
from dispatch.explanations import not_considered, replay
from dispatch.explanations.replay import Candidate, DecisionReplay, TicketExplanation
from dispatch.explanations.rulebook import REOFFER_COST
from dispatch.models import Decision
from dispatch.wording import list_lowered

#: The most tickets, candidates and names on a page; of the rest it shows the number.
MOST_TICKETS, MOST_CANDIDATES, MOST_NAMES = 5, 25, 12


@admin.register(Decision)
class DecisionAdmin(SupplyRecordAdmin):
    list_display = ["when", "policy", "tickets", "agents", "paired"]
    list_filter = ["policy"]
    search_fields = ["offers__agent__name", "offers__ticket__conversation_ref"]
    list_select_related = ["policy"]
    ordering = ["-at", "-pk"]
    actions_detail = ["run_again"]
    fields = [("when", "policy"), ("tickets", "agents", "paired")]
    readonly_fields = ["when", "tickets", "agents", "paired"]
    when = instant_column("at", _("at"))
    change_form_outer_after_template = "admin/decision.html"

    @display(description=_("tickets seen"))
    def tickets(self, decision: Decision) -> int:
        return len(decision.read()[0])

    @display(description=_("agents seen"))
    def agents(self, decision: Decision) -> int:
        return len(decision.read()[1])

    @display(description=_("pairs"))
    def paired(self, decision: Decision) -> int:
        return len(decision.pairs)

    @action(description=_("Run again"), permissions=["view"])
    def run_again(self, request: HttpRequest, object_id: str) -> HttpResponse:
        done = replay.replay(get_object_or_404(Decision, pk=object_id))
        if done.is_same:
            said = ngettext(
                "The same: %(count)d pair of %(count)d.",
                "The same: %(count)d pairs of %(count)d.",
                len(done.kept),
            )
            messages.success(request, said % {"count": len(done.kept)})
        else:
            odd = gettext("Another outcome: %(lost)d pairs are lost and %(new)d are new.")
            messages.error(request, odd % {"lost": len(done.lost), "new": len(done.new)})
        return redirect("admin:dispatch_decision_change", object_id)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        decision = self.get_object(request, object_id)
        tables = build_tables(decision, asked=request.GET.get("ticket", "")) if decision else {}
        context = {**(extra_context or {}), **tables}
        page: HttpResponse = super().change_view(request, object_id, form_url, context)
        return page


def build_tables(decision: Any, *, asked: str) -> dict[str, Any]:
    """Build the table of the requested ticket, or of the first few; links to the others."""
    reading = DecisionReplay(decision)
    tickets = reading.tickets
    chosen = [one for one in tickets if str(one) == asked] or tickets[:MOST_TICKETS]
    accounts = [reading.explain(ticket) for ticket in chosen]
    beside = {one.ticket.id: group_excluded(one) for one in accounts}
    names = read_names(
        accounts, [who for groups in beside.values() for who in _list_excluded(groups)]
    )
    others = [one for one in tickets if one not in chosen]
    return {
        "columns": reasons.COLUMNS.values(),
        "tables": [build_table(one, beside[one.ticket.id], names) for one in accounts],
        "others": [(str(one)[-6:], f"?ticket={one}") for one in others],
    }


def group_excluded(account: TicketExplanation) -> dict[str, list[UUID]]:
    """Group the excluded agents by reason, whether the wave read them or not."""
    groups: defaultdict[str, list[UUID]] = defaultdict(list)
    for seen in account.excluded:
        groups[str(seen.verdict.excluded_by)].append(seen.agent_input.id)
    for other in not_considered.list_unconsidered(account):
        groups[other.excluded_by].append(other.agent_input.id)
    return groups


def read_names(accounts: Iterable[TicketExplanation], others: Collection[UUID]) -> dict[UUID, str]:
    """Read the names of all agents on the page, in one query."""
    seen = {one.agent_input.id for account in accounts for one in account.candidates}
    rows = Agent.objects.filter(pk__in=seen | set(others))
    return dict(rows.values_list("pk", "name"))


def build_table(
    account: TicketExplanation, groups: dict[str, list[UUID]], names: dict[UUID, str]
) -> dict[str, Any]:
    """Build the table of one ticket."""
    shown = account.ranked[:MOST_CANDIDATES]
    # The cost of an earlier offer is left out of the scale, because it dwarfs all others.
    most = (
        max((one.verdict.total - one.verdict.costs[REOFFER_COST] for one in shown), default=1) or 1
    )
    ticket = account.ticket
    waited = account.decision.at - ticket.queued_at
    needs = [f"{code} ≥ {level}" for code, level in ticket.skills.items()]
    return {
        "title": str(account.waiting.ticket),
        "href": reverse("admin:tickets_ticket_change", args=[ticket.id]),
        "needs": [ticket.language, *needs, *filter(None, [ticket.certificate])],
        "lowered": list(list_lowered(account.waiting.lowered_skills, waited=waited)),
        "waited": format_duration(waited),
        "leaving": account.unassigned_penalty,
        "rows": [build_row(one, account, names, most=most) for one in shown],
        "more": len(account.ranked) - len(shown),
        "excluded": [build_group(reason, who, names) for reason, who in groups.items()],
        "chosen": account.chosen,
    }


def build_row(
    one: Candidate, account: TicketExplanation, names: dict[UUID, str], *, most: int
) -> dict[str, Any]:
    """Build the row of one agent, with the bar of its cost parts."""
    bar, left = [], 0.0
    for name, (title, colour) in reasons.COLUMNS.items():
        width = 100 * one.verdict.costs[name] / most
        bar.append((f"{left:.2f}", f"{width:.2f}", colour, title, one.verdict.costs[name]))
        left += width
    return {
        "rank": one.rank,
        "name": names.get(one.agent_input.id, "—"),
        "href": reverse("admin:agents_agent_change", args=[one.agent_input.id]),
        "bar": bar,
        "total": one.verdict.total,
        "chosen": one.agent_input.id == account.chosen,
        "elsewhere": one.paired_ticket is not None and one.agent_input.id != account.chosen,
    }


def build_group(reason: str, who: list[UUID], names: dict[UUID, str]) -> dict[str, Any]:
    listed = sorted(names.get(one, "—") for one in who)
    return {
        "reason": reasons.EXCLUDED[reason],
        "count": len(who),
        "names": listed[:MOST_NAMES],
        "more": max(len(listed) - MOST_NAMES, 0),
    }


def _list_excluded(groups: dict[str, list[UUID]]) -> list[UUID]:
    return [one for who in groups.values() for one in who]
