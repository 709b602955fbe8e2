"""Views for chatbots: escalate, send messages, cancel. A client reaches only its own tickets."""

from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from tickets import clock, conversation, intake, lifecycle, reviews, skills
from tickets.api import schemas
from tickets.api.requests import (
    PROBLEMS,
    build_error,
    get_client,
    parse,
    parse_whole_number,
    render,
)
from tickets.handoff import Cancellation, CustomerMessage, Escalation, Opinion
from tickets.models import Message, Ticket


class Escalations(APIView):
    """Ask for a human."""

    @extend_schema(
        operation_id="escalate",
        summary="Ask for a human",
        request=Escalation,
        responses={201: schemas.Opened, **PROBLEMS},
        parameters=[
            OpenApiParameter(
                "Idempotency-Key",
                str,
                OpenApiParameter.HEADER,
                required=True,
                description="New for each escalation, the same for its retries.",
            )
        ],
    )
    def post(self, request: Request) -> Response:
        escalation = parse(request, Escalation)
        refuse_unknown_skills(escalation)
        outcome = intake.open_ticket(
            get_client(request),
            escalation,
            key=request.META.get("HTTP_IDEMPOTENCY_KEY", ""),
            payload=request.body,
            answer=partial(build_opened, request),
            about=timezone.now(),
        )
        headers = {"Location": outcome.body["url"]}
        if outcome.replayed:
            headers["Idempotent-Replayed"] = "true"
        return Response(outcome.body, status=outcome.status, headers=headers)


class TicketDetail(APIView):
    """One ticket."""

    @extend_schema(
        operation_id="ticket",
        summary="A ticket as it is now",
        responses={200: schemas.TicketState, **PROBLEMS},
    )
    def get(self, request: Request, ticket_id: UUID) -> Response:
        return render_state(get_own_ticket(request, ticket_id))


class Messages(APIView):
    """The messages of a ticket."""

    @extend_schema(
        operation_id="say",
        summary="Add a message from the customer",
        request=CustomerMessage,
        responses={201: schemas.Said, 200: schemas.Said, **PROBLEMS},
    )
    def post(self, request: Request, ticket_id: UUID) -> Response:
        said = parse(request, CustomerMessage)
        message, new = conversation.add_message(
            get_own_ticket(request, ticket_id),
            origin=Message.Origin.CUSTOMER,
            text=said.text,
            client_message_id=said.client_message_id,
            at=clock.now(),
        )
        return render(schemas.Said.from_message(message), status=201 if new else 200)

    @extend_schema(
        operation_id="messages",
        summary="The messages of a ticket",
        parameters=[OpenApiParameter("after", int, description="Only messages numbered above.")],
        responses={200: schemas.Conversation, **PROBLEMS},
    )
    def get(self, request: Request, ticket_id: UUID) -> Response:
        after = parse_whole_number(request.query_params.get("after", "0"), field="after")
        found = conversation.list_messages(get_own_ticket(request, ticket_id), after=after)
        return render(schemas.Conversation(messages=[schemas.Said.from_message(m) for m in found]))


class Cancel(APIView):
    """The customer left."""

    @extend_schema(
        operation_id="cancel",
        summary="The customer left",
        request=Cancellation,
        responses={200: schemas.TicketState, **PROBLEMS},
    )
    def post(self, request: Request, ticket_id: UUID) -> Response:
        left = parse(request, Cancellation) if request.body else Cancellation()
        ticket = get_own_ticket(request, ticket_id)
        return render_state(lifecycle.abandon(ticket, reason=left.reason, at=clock.now()))


class Reviews(APIView):
    """The customer's review of a ticket."""

    @extend_schema(
        operation_id="review",
        summary="Add the customer's review, once the ticket has ended",
        request=Opinion,
        responses={201: schemas.Reviewed, 200: schemas.Reviewed, **PROBLEMS},
    )
    def post(self, request: Request, ticket_id: UUID) -> Response:
        opinion = parse(request, Opinion)
        said = opinion.model_dump()
        review, new = reviews.write(get_own_ticket(request, ticket_id), **said, at=clock.now())
        return render(schemas.Reviewed.from_review(review), status=201 if new else 200)


def build_opened(request: Request, ticket: Ticket, at: datetime) -> dict[str, Any]:
    url = request.build_absolute_uri(reverse("tickets:ticket", args=[ticket.pk]))
    return schemas.Opened.from_ticket(ticket, at=at, url=url).model_dump(mode="json")


def get_own_ticket(request: Request, ticket_id: UUID) -> Ticket:
    return get_object_or_404(
        Ticket.objects.for_client(get_client(request)).select_related("client"), pk=ticket_id
    )


def render_state(ticket: Ticket) -> Response:
    return render(schemas.TicketState.from_ticket(ticket, at=clock.now()))


def refuse_unknown_skills(escalation: Escalation) -> None:
    codes = [need.code for need in escalation.skills]
    unknown = skills.list_unknown(codes)
    if unknown or len(set(codes)) < len(codes):
        complaint = "unknown skill" if unknown else "named twice"
        raise build_error(("skills", codes.index(unknown[0]) if unknown else 0, "code"), complaint)
