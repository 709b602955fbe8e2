"""The timeline of a ticket: what happened, in order, as entries that a page can show."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _

from tickets.admin.base import format_duration
from tickets.models import Message, Review, Ticket, WebhookDelivery

#: The colours of the theme's labels.
GOOD, PLAIN, NEWS, SOON, WRONG = "success", "default", "info", "warning", "danger"
ENDS = {
    Ticket.Status.RESOLVED: GOOD,
    Ticket.Status.HANDED_BACK: NEWS,
    Ticket.Status.UNAVAILABLE: WRONG,
    Ticket.Status.ABANDONED: SOON,
}


@dataclass(frozen=True)
class TimelineEntry:
    """One event of a ticket. `said` has author and text; `facts` have name and value."""

    at: datetime
    title: str
    colour: str = PLAIN
    lines: Sequence[str] = ()
    facts: Sequence[tuple[str, Any]] = ()
    said: Sequence[tuple[str, str]] = ()
    href: str = ""
    #: Of entries at the same time, the lower rank comes first.
    rank: int = field(default=5)


def sort_entries(moments: Iterable[TimelineEntry]) -> list[TimelineEntry]:
    """Sort entries by time."""
    return sorted(moments, key=lambda moment: (moment.at, moment.rank))


def list_entries(ticket: Ticket) -> list[TimelineEntry]:
    """List the entries that demand knows: handoff, messages, webhooks, end and review."""
    deliveries = ticket.deliveries.prefetch_related("log").order_by("version")
    return [
        *_build_handoff(ticket),
        _build_queued(ticket),
        *(_build_message(message) for message in ticket.messages.order_by("seq")),
        *(_build_delivery(delivery) for delivery in deliveries),
        *_build_end(ticket),
        *_build_review(ticket),
    ]


def _build_handoff(ticket: Ticket) -> list[TimelineEntry]:
    handoff = getattr(ticket, "handoff", None)
    if handoff is None:
        return []
    return [
        TimelineEntry(
            at=ticket.queued_at,
            title=_("Handed over by the bot"),
            colour=NEWS,
            lines=[handoff.summary] if handoff.summary else [],
            facts=[
                *((_("tried"), step) for step in handoff.tried),
                *((key, value) for key, value in handoff.context.items()),
            ],
            said=[(line.get("role", ""), line.get("text", "")) for line in handoff.transcript],
            rank=0,
        )
    ]


def _build_queued(ticket: Ticket) -> TimelineEntry:
    needs = ", ".join(f"{code} ≥ {level}" for code, level in ticket.skills.items())
    return TimelineEntry(
        at=ticket.queued_at,
        title=_("Queued"),
        facts=[
            (_("language"), ticket.language),
            (_("skills"), needs or "—"),
            *([(_("skills that give way"), ", ".join(ticket.gives_way))] * bool(ticket.gives_way)),
            (_("urgency"), ticket.get_urgency_display()),
            (_("wait told"), _format_quote(ticket)),
        ],
        rank=1,
    )


def _build_message(message: Message) -> TimelineEntry:
    who = str(message.get_origin_display())
    return TimelineEntry(at=message.at, title=who, said=[(who, message.text)], rank=6)


def _build_delivery(delivery: WebhookDelivery) -> TimelineEntry:
    tries = [
        f"{attempt.at:%H:%M:%S} · {attempt.status or attempt.error} · {attempt.took_ms} ms"
        for attempt in delivery.log.all()
    ]
    sent = delivery.delivered_at is not None
    return TimelineEntry(
        at=delivery.created_at,
        title=_("Webhook %(type)s") % {"type": delivery.type},
        colour=GOOD if sent else WRONG if delivery.dead_at else SOON,
        lines=tries or [_("not sent yet")],
        rank=8,
    )


def _build_end(ticket: Ticket) -> list[TimelineEntry]:
    if ticket.closed_at is None:
        return []
    about = [(_("disposition"), _(ticket.disposition))] if ticket.disposition else []
    after = (_("after"), format_duration(ticket.closed_at - ticket.queued_at))
    return [
        TimelineEntry(
            at=ticket.closed_at,
            title=str(ticket.get_status_display()).capitalize(),
            colour=ENDS.get(Ticket.Status(ticket.status), PLAIN),
            lines=[ticket.note] if ticket.note else [],
            facts=[*about, after],
            rank=7,
        )
    ]


def _format_quote(ticket: Ticket) -> str:
    """Write the wait quoted when the ticket opened, as a range from p50 to p90."""
    spans = [ticket.quoted_p50_s, ticket.quoted_p90_s]
    known = [format_duration(timedelta(seconds=span)) for span in spans if span is not None]
    return " – ".join(known) or "—"


def _build_review(ticket: Ticket) -> list[TimelineEntry]:
    review = Review.objects.filter(ticket=ticket).first()
    if review is None:
        return []
    score = [(_("score"), f"{review.score}\u00a0/\u00a05")] if review.score else []
    return [
        TimelineEntry(
            at=review.at,
            title=_("Reviewed by the customer"),
            colour=GOOD if review.solved else SOON,
            lines=[review.comment] if review.comment else [],
            facts=[(_("solved"), _("yes") if review.solved else _("no")), *score],
            rank=9,
        )
    ]
