"""The conversations of an agent, as the desk lists and shows them."""

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
#: A page opens with this many of the newest messages. A link shows the others.
SHOWN_AT_FIRST = 300
MOST_SHOWN = 10_000


@dataclass(frozen=True)
class ConversationRow:
    """A conversation in the list: whether the agent must answer, and since when."""

    assignment: Assignment
    stage: str
    your_turn: bool
    unanswered: int
    since: datetime


def get_stage(assignment: Assignment) -> str:
    """Return the stage: talking, wrapping or over."""
    if assignment.finished_at:
        return "over"
    return "wrapping" if assignment.ended_at else "talking"


def list_rows(assignments: Sequence[Assignment]) -> list[ConversationRow]:
    """List conversations that need an answer first, the longest waiting on top."""
    turns = _read_turns([assignment.pk for assignment in assignments])
    listed = [_build_row(assignment, *turns[assignment.pk]) for assignment in assignments]
    return sorted(listed, key=lambda row: (not row.your_turn, row.since))


def get_open(agent: Agent, assignment_id: UUID) -> Assignment:
    """Get an unfinished conversation of this agent; 404 for any other."""
    return get_object_or_404(_filter_by_agent(agent).filter(finished_at=None), pk=assignment_id)


def get_any(agent: Agent, assignment_id: UUID) -> Assignment:
    """Get a conversation of this agent, also a finished one, so that its page can say so."""
    return get_object_or_404(_filter_by_agent(agent), pk=assignment_id)


def build_page(assignment: Assignment, *, whole: bool) -> dict[str, Any]:
    """Build the context of a conversation page."""
    after = 0 if whole else max(assignment.ticket.last_seq - SHOWN_AT_FIRST, 0)
    thread = conversation.list_messages(assignment.ticket, after=after, limit=MOST_SHOWN)
    return {**build_panel(assignment), "thread": thread, "hidden_before": after}


def build_news(
    agent: Agent, assignment_id: UUID, *, after: int, stage_shown: str
) -> dict[str, Any]:
    """Build what is new for an open conversation page. A finished one gets no messages."""
    assignment = get_any(agent, assignment_id)
    now = get_stage(assignment)
    unseen = [] if now == "over" else conversation.list_messages(assignment.ticket, after=after)
    return {**build_panel(assignment), "thread": unseen, "moved": now != stage_shown}


def build_panel(assignment: Assignment) -> dict[str, Any]:
    """Build the context of the panel under the conversation."""
    return {
        "assignment": assignment,
        "ticket": assignment.ticket,
        "stage": get_stage(assignment),
        "dispositions": forms.DISPOSITIONS,
        "reasons": forms.HAND_BACK_REASONS,
        "message_form": forms.MessageForm(),
    }


def _filter_by_agent(agent: Agent) -> QuerySet[Assignment]:
    rows = Assignment.objects.filter(agent=agent)
    return rows.select_related("offer", "ticket__client", "ticket__handoff")


def _build_row(
    assignment: Assignment, said: int, unanswered: int, since: datetime | None
) -> ConversationRow:
    """Build a row. Until the agent has written, it is the agent's turn."""
    now = get_stage(assignment)
    your_turn = now == "talking" and (unanswered > 0 or not said)
    return ConversationRow(assignment, now, your_turn, unanswered, since or assignment.started_at)


def _read_turns(assignment_ids: Sequence[UUID]) -> dict[UUID, tuple[int, int, datetime | None]]:
    """Read the agent's last message number, the count of customer messages since, and the time of
    the first of them."""
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
