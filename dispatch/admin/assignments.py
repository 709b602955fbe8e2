"""The admin pages of assignments."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from agents.admin.base import SupplyRecordAdmin, instant_column, make_page_button
from agents.admin.formats import format_duration, format_promise
from agents.pay.money import format_money
from dispatch import affinity, assignments
from dispatch.admin.offers import REFUSALS
from dispatch.models import Assignment
from tickets import clock


@admin.register(Assignment)
class AssignmentAdmin(SupplyRecordAdmin):
    refusals = REFUSALS
    list_display = [
        "ticket", "agent", "state", "talked", "wrapped_up", "earned", "started", "ended",
    ]  # fmt: skip
    list_filter = ["ending", ("finished_at", admin.EmptyFieldListFilter), "ticket__client"]
    search_fields = [
        "agent__name", "ticket__customer_name", "ticket__conversation_ref", "ticket__topic",
    ]  # fmt: skip
    list_select_related = ["agent", "ticket", "offer"]
    ordering = ["-pk"]
    actions = ["take_away", "keep_apart"]
    actions_detail = ["take_away_here", "keep_apart_here"]
    fields = [
        ("ticket", "agent", "offer"), ("ending", "talked", "wrapped_up"), ("promised", "earned"),
        ("started", "ended", "finished"), "note",
    ]  # fmt: skip
    readonly_fields = [
        "talked", "wrapped_up", "promised", "earned", "started", "ended", "finished",
    ]  # fmt: skip
    started = instant_column("started_at", _("started"))
    ended = instant_column("ended_at", _("ended"))
    finished = instant_column("finished_at", _("finished"))

    @display(
        description=_("state"),
        label={
            "talking": "info",
            "wrapping up": "warning",
            "resolved": "success",
            "handed_back": "default",
            "abandoned": "default",
            "lost": "danger",
        },
    )
    def state(self, assignment: Assignment) -> tuple[str, object]:
        if not assignment.ended_at:
            return "talking", _("talking")
        if not assignment.finished_at:
            return "wrapping up", _("wrapping up")
        return assignment.ending, assignment.get_ending_display()

    @display(description=_("talked"))
    def talked(self, assignment: Assignment) -> str:
        return format_duration((assignment.ended_at or timezone.now()) - assignment.started_at)

    @display(description=_("wrap-up"))
    def wrapped_up(self, assignment: Assignment) -> str:
        if not assignment.ended_at:
            return "—"
        return format_duration((assignment.finished_at or timezone.now()) - assignment.ended_at)

    @display(description=_("promised"))
    def promised(self, assignment: Assignment) -> str:
        return format_promise(assignment.offer.quote)

    @display(description=_("paid"), ordering="paid")
    def earned(self, assignment: Assignment) -> str:
        if assignment.paid is None:
            return "—"
        return format_money(assignment.paid, assignment.offer.quote.currency)

    @admin.action(description=_("Take away and requeue"), permissions=["operate"])
    def take_away(self, request: HttpRequest, chosen: QuerySet[Assignment]) -> None:
        def verb(assignment: Assignment) -> None:
            assignments.lose(assignment, at=clock.now())

        rows = chosen.select_related("agent", "ticket", "offer")
        self.carry_out(request, rows, verb, done=gettext("taken away"))

    take_away_here = make_page_button(
        "take_away_here",
        take_away,
        ask=_("The agent is paid for the minutes so far; the ticket waits again, at the head, "
              "and is offered to whoever fits best, who may be the same agent."),
    )  # fmt: skip

    @admin.action(description=_("Never pair them again"), permissions=["operate"])
    def keep_apart(self, request: HttpRequest, chosen: QuerySet[Assignment]) -> None:
        def verb(assignment: Assignment) -> None:
            affinity.block(assignment.agent, assignment.ticket, at=clock.now())

        rows = chosen.select_related("agent", "ticket")
        self.carry_out(request, rows, verb, done=gettext("kept apart from now on"))

    keep_apart_here = make_page_button(
        "keep_apart_here",
        keep_apart,
        ask=_("This agent is not asked for this customer again, until somebody unblocks them. "
              "A conversation they are in goes on."),
    )  # fmt: skip
