"""The admin page of tickets, extended by offers, assignments and pay."""

from datetime import timedelta

from django.contrib import admin
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from agents.admin.base import make_page_button
from agents.admin.formats import format_duration, format_promise, list_pay_parts
from agents.pay.money import format_money
from dispatch.admin import reasons
from dispatch.admin.offers import REFUSALS
from dispatch.models import Assignment, Offer
from tickets.admin.tickets import TicketAdmin
from tickets.admin.timeline import GOOD, NEWS, PLAIN, SOON, WRONG, TimelineEntry
from tickets.models import Ticket

OUTCOMES = {
    Offer.Status.SENT: NEWS,
    Offer.Status.SHOWN: NEWS,
    Offer.Status.ACCEPTED: GOOD,
    Offer.Status.DECLINED: SOON,
    Offer.Status.EXPIRED: WRONG,
    Offer.Status.MISSED: SOON,
    Offer.Status.TAKEN: PLAIN,
    Offer.Status.WITHDRAWN: PLAIN,
}

admin.site.unregister(Ticket)


@admin.register(Ticket)
class DispatchedTicketAdmin(TicketAdmin):
    refusals = REFUSALS
    actions_detail = ["hand_back_here", "tell_unavailable_here"]
    hand_back_here = make_page_button(
        "hand_back_here",
        TicketAdmin.hand_back,
        ask=_("The bot goes on with the conversation. An agent in it is paid, wrap-up included."),
    )
    tell_unavailable_here = make_page_button(
        "tell_unavailable_here",
        TicketAdmin.tell_unavailable,
        ask=_("The customer is told that nobody is available and the bot goes on."),
    )

    def list_timeline(self, ticket: Ticket) -> list[TimelineEntry]:
        offers = ticket.offers.select_related("agent")
        taken = ticket.assignments.select_related("agent", "offer")
        return [
            *super().list_timeline(ticket),
            *(_build_offer(offer) for offer in offers),
            *(moment for one in taken for moment in _build_work(one)),
        ]


def _build_offer(offer: Offer) -> TimelineEntry:
    outcome = str(offer.get_status_display())
    if offer.settled_at:
        outcome = f"{outcome} · {format_duration(offer.settled_at - offer.sent_at)}"
    return TimelineEntry(
        at=offer.sent_at,
        title=gettext("Offered to %(name)s") % {"name": offer.agent.name},
        colour=OUTCOMES[Offer.Status(offer.status)],
        facts=[
            (gettext("outcome"), outcome),
            (gettext("pay"), format_promise(offer.quote)),
            (gettext("made up of"), " · ".join(list_pay_parts(offer.quote))),
            *((gettext("why"), reason) for reason in reasons.list_reasons(offer.reasons)),
            *((gettext("decision"), link) for link in [reasons.link_decision(offer)] if link),
        ],
        href=reverse("admin:dispatch_offer_change", args=[offer.pk]),
        rank=2,
    )


def _build_work(assignment: Assignment) -> list[TimelineEntry]:
    name = {"name": assignment.agent.name}
    href = reverse("admin:dispatch_assignment_change", args=[assignment.pk])
    taken = gettext("%(name)s took the conversation") % name
    moments = [TimelineEntry(at=assignment.started_at, title=taken, colour=GOOD, href=href, rank=3)]
    if assignment.finished_at:
        moments.append(_build_finish(assignment, href=href))
    return moments


def _build_finish(assignment: Assignment, *, href: str) -> TimelineEntry:
    assert assignment.finished_at
    wrap_up = assignment.finished_at - (assignment.ended_at or assignment.finished_at)
    paid = format_money(assignment.paid or 0, assignment.offer.quote.currency)
    return TimelineEntry(
        at=assignment.finished_at,
        title=gettext("%(name)s was done and paid %(amount)s")
        % {"name": assignment.agent.name, "amount": paid},
        colour=WRONG if assignment.ending == Assignment.Ending.LOST else GOOD,
        lines=[assignment.note] if assignment.note else [],
        facts=[
            (gettext("ending"), assignment.get_ending_display()),
            (gettext("wrap-up"), format_duration(max(wrap_up, timedelta()))),
            (gettext("promised"), format_promise(assignment.offer.quote)),
        ],
        href=href,
        rank=9,
    )
