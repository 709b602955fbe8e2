"""An agent's conversations as the desk lists and shows them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Count, F, Min, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.shortcuts import get_object_or_404

from agents.models import Agent
from dispatch.desk import forms
from dispatch.models import Assignment
from tickets import conversation
from tickets.models import Message

Origin = Message.Origin
#: A page opens with this many of the newest messages; the others are one link away.
SHOWN_AT_FIRST = 300
MOST_SHOWN = 10_000


@dataclass(frozen=True)
class ConversationRow:
    """A conversation in the list: whose turn it is, and since when."""

    assignment: Assignment
    stage: str
    your_turn: bool
    unanswered: int
    since: datetime


def stage(assignment: Assignment) -> str:
    """Talking, wrapping up, or over."""
    if assignment.finished_at:
        return "over"
    return "wrapping" if assignment.ended_at else "talking"


def rows(assignments: Sequence[Assignment]) -> list[ConversationRow]:
    """The list, those who wait for the agent first, the longest waiting on top."""
    turns = _turns([assignment.pk for assignment in assignments])
    listed = [_row(assignment, *turns[assignment.pk]) for assignment in assignments]
    return sorted(listed, key=lambda row: (not row.your_turn, row.since))


def get_open(agent: Agent, assignment_id: UUID) -> Assignment:
    """An unfinished conversation of this agent. Anything else is not found."""
    return get_object_or_404(_of(agent).filter(finished_at=None), pk=assignment_id)


def get_any(agent: Agent, assignment_id: UUID) -> Assignment:
    """A conversation this agent has or had: enough to be told that it is over."""
    return get_object_or_404(_of(agent), pk=assignment_id)


def shown(assignment: Assignment, *, whole: bool) -> dict[str, Any]:
    """What the page of a conversation needs."""
    after = 0 if whole else max(assignment.ticket.last_seq - SHOWN_AT_FIRST, 0)
    thread = conversation.list_messages(assignment.ticket, after=after, limit=MOST_SHOWN)
    return {**panel(assignment), "thread": thread, "hidden_before": after}


def news(agent: Agent, assignment_id: UUID, *, after: int, stage_shown: str) -> dict[str, Any]:
    """What an open page of a conversation lacks. A finished one only says that it is over."""
    assignment = get_any(agent, assignment_id)
    now = stage(assignment)
    unseen = [] if now == "over" else conversation.list_messages(assignment.ticket, after=after)
    return {**panel(assignment), "thread": unseen, "moved": now != stage_shown}


def panel(assignment: Assignment) -> dict[str, Any]:
    """What the panel under the conversation needs."""
    return {
        "assignment": assignment,
        "ticket": assignment.ticket,
        "stage": stage(assignment),
        "dispositions": forms.DISPOSITIONS,
        "reasons": forms.HAND_BACK_REASONS,
        "message_form": forms.MessageForm(),
    }


def _of(agent: Agent) -> QuerySet[Assignment]:
    rows = Assignment.objects.filter(agent=agent)
    return rows.select_related("offer", "ticket__client", "ticket__handoff")


def _row(
    assignment: Assignment, said: int, unanswered: int, since: datetime | None
) -> ConversationRow:
    """Until the agent has said something, the customer waits for them."""
    now = stage(assignment)
    your_turn = now == "talking" and (unanswered > 0 or not said)
    return ConversationRow(assignment, now, your_turn, unanswered, since or assignment.started_at)


def _turns(assignment_ids: Sequence[UUID]) -> dict[UUID, tuple[int, int, datetime | None]]:
    """The agent's last number, how many customer messages came since, and the first one's time."""
    said = Message.objects.filter(
        ticket=OuterRef("ticket"), origin=Origin.AGENT, at__gte=OuterRef("started_at")
    ).order_by("-seq")
    since = Q(ticket__messages__origin=Origin.CUSTOMER, ticket__messages__seq__gt=F("said"))
    found = (
        Assignment.objects.filter(pk__in=assignment_ids)
        .annotate(said=Coalesce(Subquery(said.values("seq")[:1]), 0))
        .annotate(
            unanswered=Count("ticket__messages", filter=since),
            waiting=Min("ticket__messages__at", filter=since),
        )
        .values_list("pk", "said", "unanswered", "waiting")
    )
    return {pk: (last, unanswered, waiting) for pk, last, unanswered, waiting in found}
