"""The admin pages of offers: agent, pay, reasons and outcome."""

from collections.abc import Iterable

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from agents.admin.base import SupplyRecordAdmin, instant_column, make_page_button
from agents.admin.formats import format_duration, format_promise, list_pay_parts
from agents.errors import AgentError
from dispatch import offers
from dispatch.admin import reasons
from dispatch.errors import DispatchError
from dispatch.models import Offer
from tickets import clock
from tickets.errors import TicketError

REFUSALS = (AgentError, DispatchError, TicketError)


@admin.register(Offer)
class OfferAdmin(SupplyRecordAdmin):
    refusals = REFUSALS
    list_display = ["ticket", "agent", "state", "promised", "answered_in", "sent"]
    list_filter = ["status", "ticket__client"]
    search_fields = [
        "agent__name", "ticket__customer_name", "ticket__conversation_ref", "ticket__topic",
    ]  # fmt: skip
    list_select_related = ["agent", "ticket"]
    ordering = ["-pk"]
    actions = ["withdraw"]
    actions_detail = ["withdraw_here"]
    fields = [
        ("ticket", "agent"), ("status", "answered_in"), "promised", "made_up", "why", "decided",
        ("sent", "expires", "settled"),
    ]  # fmt: skip
    readonly_fields = [
        "answered_in", "promised", "made_up", "why", "decided", "sent", "expires", "settled",
    ]  # fmt: skip
    sent = instant_column("sent_at", _("sent"))
    expires = instant_column("expires_at", _("expires"))
    settled = instant_column("settled_at", _("settled"))

    @display(
        description=_("status"),
        ordering="status",
        label={
            "sent": "info",
            "shown": "info",
            "accepted": "success",
            "declined": "warning",
            "expired": "danger",
            "missed_connectivity": "warning",
            "taken": "default",
            "withdrawn": "default",
        },
    )
    def state(self, offer: Offer) -> tuple[str, str]:
        return offer.status, offer.get_status_display()

    @display(description=_("pay"))
    def promised(self, offer: Offer) -> str:
        return format_promise(offer.quote)

    @display(description=_("answered in"))
    def answered_in(self, offer: Offer) -> str:
        return format_duration(offer.settled_at - offer.sent_at) if offer.settled_at else "—"

    @display(description=_("how it is made up"))
    def made_up(self, offer: Offer) -> str:
        return _stack_lines(list_pay_parts(offer.quote))

    @display(description=_("why this agent"))
    def why(self, offer: Offer) -> str:
        return _stack_lines(reasons.list_reasons(offer.reasons))

    @display(description=_("decision"))
    def decided(self, offer: Offer) -> str:
        return reasons.link_decision(offer) or "—"

    @admin.action(description=_("Withdraw"), permissions=["operate"])
    def withdraw(self, request: HttpRequest, chosen: QuerySet[Offer]) -> None:
        def verb(offer: Offer) -> None:
            offers.withdraw(offer, at=clock.now())

        rows = chosen.select_related("agent", "ticket")
        self.carry_out(request, rows, verb, done=gettext("withdrawn"))

    withdraw_here = make_page_button(
        "withdraw_here",
        withdraw,
        ask=_("The ticket waits on and is offered again to whoever fits best, "
              "who may be the same agent."),
    )  # fmt: skip


def _stack_lines(lines: Iterable[str]) -> str:
    stacked: str = format_html_join("", '<div dir="auto">{}</div>', ((line,) for line in lines))
    return stacked or "—"
