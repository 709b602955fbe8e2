"""Admin pages of tickets: the list, and the timeline of each."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from tickets import clock, lifecycle
from tickets.admin import timeline
from tickets.admin.base import DemandRecordAdmin, format_duration, instant_column
from tickets.admin.wait_accuracy import WaitsPage
from tickets.models import Ticket

LABELS = {
    "queued": "warning",
    "active": "info",
    "resolved": "success",
    "handed_back": "default",
    "unavailable": "danger",
    "abandoned": "default",
}


@admin.register(Ticket)
class TicketAdmin(DemandRecordAdmin):
    list_display = [
        "who", "client", "state", "language", "waited", "handled", "haste", "answered_by", "queued",
    ]  # fmt: skip
    list_filter = ["status", "client", "language", "urgency"]
    search_fields = ["customer_name", "conversation_ref", "topic", "answered_by", "id__startswith"]
    list_select_related = ["client"]
    ordering = ["-pk"]
    actions = ["hand_back", "tell_unavailable"]
    fields = [
        ("topic", "client", "status"),
        ("customer_name", "customer_ref", "conversation_ref"),
        ("language", "urgency", "answered_by"),
        ("queued", "due", "gives_up"),
        ("waited", "handled", "outcome"),
    ]
    readonly_fields = ["waited", "handled", "outcome", "queued", "due", "gives_up"]
    queued = instant_column("queued_at", _("queued"))
    due = instant_column("due_at", _("promised by"))
    gives_up = instant_column("give_up_at", _("told unavailable at"))
    change_form_outer_after_template = "admin/ticket_story.html"

    def get_urls(self) -> list[Any]:
        waits = self.admin_site.admin_view(WaitsPage.as_view(model_admin=self))
        return [path("waits", waits, name="tickets_ticket_waits"), *super().get_urls()]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        ticket = self.get_object(request, object_id)
        story = {"story": timeline.sort_entries(self.list_timeline(ticket))} if ticket else {}
        context = {**(extra_context or {}), **story}
        page: HttpResponse = super().change_view(request, object_id, form_url, context)
        return page

    def list_timeline(self, ticket: Ticket) -> list[timeline.TimelineEntry]:
        """List what happened to the ticket, in any order."""
        return timeline.list_entries(ticket)

    @display(description=_("status"), ordering="status", label=LABELS)
    def state(self, ticket: Ticket) -> tuple[str, str]:
        return ticket.status, ticket.get_status_display()

    @display(
        description=_("urgency"),
        ordering="urgency",
        label={0: "default", 1: "default", 2: "danger"},
    )
    def haste(self, ticket: Ticket) -> tuple[int, str]:
        return ticket.urgency, ticket.get_urgency_display()

    @display(description=_("customer"), header=True, ordering="customer_name")
    def who(self, ticket: Ticket) -> list[str]:
        return [ticket.customer_name, ticket.topic]

    @display(description=_("waited"))
    def waited(self, ticket: Ticket) -> str:
        until = ticket.answered_at or ticket.closed_at or timezone.now()
        return format_duration(until - ticket.queued_at)

    @display(description=_("talked"))
    def handled(self, ticket: Ticket) -> str:
        if not ticket.answered_at:
            return "—"
        return format_duration((ticket.closed_at or timezone.now()) - ticket.answered_at)

    @display(description=_("disposition"))
    def outcome(self, ticket: Ticket) -> str:
        return gettext(ticket.disposition) if ticket.disposition else "—"

    @admin.action(description=_("Hand back to the bot"), permissions=["operate"])
    def hand_back(self, request: HttpRequest, tickets: QuerySet[Ticket]) -> None:
        def verb(ticket: Ticket) -> None:
            lifecycle.hand_back(ticket, reason="supervisor", at=clock.now())

        self.carry_out(request, tickets, verb, done=gettext("handed back to the bot"))

    @admin.action(description=_("Tell that nobody is available"), permissions=["operate"])
    def tell_unavailable(self, request: HttpRequest, tickets: QuerySet[Ticket]) -> None:
        def verb(ticket: Ticket) -> None:
            lifecycle.give_up(ticket, at=clock.now())

        self.carry_out(request, tickets, verb, done=gettext("told that nobody is available"))
