"""The chatbot's side: escalate, talk, cancel. A client reaches only its own tickets."""

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
from tickets.api.requests import PROBLEMS, client_of, invalid, parse, render, whole_number
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
            client_of(request),
            escalation,
            key=request.META.get("HTTP_IDEMPOTENCY_KEY", ""),
            payload=request.body,
            answer=partial(opened, request),
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
        return state(own_ticket(request, ticket_id))


class Messages(APIView):
    """What is said on a ticket."""

    @extend_schema(
        operation_id="say",
        summary="The customer says something",
        request=CustomerMessage,
        responses={201: schemas.Said, 200: schemas.Said, **PROBLEMS},
    )
    def post(self, request: Request, ticket_id: UUID) -> Response:
        said = parse(request, CustomerMessage)
        message, new = conversation.add_message(
            own_ticket(request, ticket_id),
            origin=Message.Origin.CUSTOMER,
            text=said.text,
            client_message_id=said.client_message_id,
            at=clock.now(),
        )
        return render(schemas.Said.of(message), status=201 if new else 200)

    @extend_schema(
        operation_id="messages",
        summary="What was said",
        parameters=[OpenApiParameter("after", int, description="Only messages numbered above.")],
        responses={200: schemas.Conversation, **PROBLEMS},
    )
    def get(self, request: Request, ticket_id: UUID) -> Response:
        after = whole_number(request.query_params.get("after", "0"), field="after")
        found = conversation.since(own_ticket(request, ticket_id), after=after)
        return render(schemas.Conversation(messages=[schemas.Said.of(m) for m in found]))


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
        ticket = own_ticket(request, ticket_id)
        return state(lifecycle.abandon(ticket, reason=left.reason, at=clock.now()))


class Reviews(APIView):
    """How it went, as the customer says."""

    @extend_schema(
        operation_id="review",
        summary="The customer says how it went, once the ticket has ended",
        request=Opinion,
        responses={201: schemas.Reviewed, 200: schemas.Reviewed, **PROBLEMS},
    )
    def post(self, request: Request, ticket_id: UUID) -> Response:
        opinion = parse(request, Opinion)
        said = opinion.model_dump()
        review, new = reviews.write(own_ticket(request, ticket_id), **said, at=clock.now())
        return render(schemas.Reviewed.of(review), status=201 if new else 200)


def opened(request: Request, ticket: Ticket, at: datetime) -> dict[str, Any]:
    url = request.build_absolute_uri(reverse("tickets:ticket", args=[ticket.pk]))
    return schemas.Opened.of(ticket, at=at, url=url).model_dump(mode="json")


def own_ticket(request: Request, ticket_id: UUID) -> Ticket:
    return get_object_or_404(
        Ticket.objects.of(client_of(request)).select_related("client"), pk=ticket_id
    )


def state(ticket: Ticket) -> Response:
    return render(schemas.TicketState.of(ticket, at=clock.now()))


def refuse_unknown_skills(escalation: Escalation) -> None:
    codes = [need.code for need in escalation.skills]
    unknown = skills.unknown(codes)
    if unknown or len(set(codes)) < len(codes):
        complaint = "unknown skill" if unknown else "named twice"
        raise invalid(("skills", codes.index(unknown[0]) if unknown else 0, "code"), complaint)
