"""Rows for tests, made by the product's own verbs. Pass only what the test is about.

A missing relation is found or made: a ticket without a client gets the first client.
"""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from uuid import uuid4

from django.db import transaction
from django.db.models import F

from agents import presence, roster
from agents.models import Agent, Presence, RateCard, RatePremium, User
from agents.pay import quotes, rate_cards
from dispatch import offers
from dispatch.models import Assignment, Offer
from dispatch.waves import outcome
from tickets import auth, clock, conversation, intake, lifecycle
from tickets.handoff import Escalation
from tickets.models import Client, Message, Skill, Ticket, WebhookEndpoint

PASSWORD = "correct horse battery"

_numbers = count(1)


def make_client(slug: str = "nordbank", **given: Any) -> Client:
    return Client.objects.create(slug=slug, **{"name": slug.title(), **given})


def make_key(client: Client) -> str:
    """An API key of this client in plain text."""
    return auth.issue(client, name="bot")


def make_skill(code: str = "cards") -> Skill:
    return Skill.objects.get_or_create(code=code, defaults={"name": code.title()})[0]


def make_user(username: str = "", *, password: str | None = None, **given: Any) -> User:
    """A login. The login form works only with a password."""
    return User.objects.create_user(
        username or f"user-{next(_numbers)}", password=password, **given
    )


def make_coordinator(username: str = "cora", *, password: str | None = PASSWORD) -> User:
    """A coordinator, who runs the platform in the admin."""
    return make_user(username, password=password, is_staff=True, is_superuser=True)


def make_agent(
    name: str = "Amina",
    languages: Mapping[str, int] | None = None,
    skills: Mapping[str, int] | None = None,
    capacity: int = 1,
    *,
    available: bool = True,
    approved: bool = True,
    username: str = "",
    password: str | None = None,
    at: datetime | None = None,
    **given: str,
) -> Agent:
    """An agent, by default approved and available. `at`: when they became so."""
    agent = roster.invite(
        make_user(username, password=password),
        name=name,
        languages={"en": 5} if languages is None else languages,
        skills=skills or {},
        capacity=capacity,
        **given,
    )
    if approved or available:
        roster.approve(agent)
    if available:
        presence.go_available(agent, at=at or clock.now())
    agent.refresh_from_db()
    return agent


def make_card(client: Client | str | None = None, **given: Any) -> RateCard:
    """A rate card in force. `skills`, `languages`: premiums by code."""
    slug = client.slug if isinstance(client, Client) else client or get_client().slug
    skills, languages = given.pop("skills", {}), given.pop("languages", {})
    defaults = {"per_ticket": 150, "per_minute": "30", "valid_from": clock.now() - timedelta(1)}
    card = RateCard.objects.create(client=slug, **{**defaults, **given})
    for kind, premiums in (("skill", skills), ("language", languages)):
        RatePremium.objects.bulk_create(
            RatePremium(card=card, kind=kind, code=code, per_ticket=amount)
            for code, amount in premiums.items()
        )
    return card


def make_endpoint(
    client: Client | None = None, url: str = "https://bot.example/hook"
) -> WebhookEndpoint:
    return WebhookEndpoint.objects.create(client=client or get_client(), url=url)


def escalation(**given: Any) -> dict[str, Any]:
    """A bot's request as JSON, for a new conversation."""
    return {
        "version": 1,
        "conversation_ref": f"conversation-{next(_numbers)}",
        "customer": {"ref": "customer-1", "name": "Mia"},
        "language": "en",
        "topic": "card",
        "summary": "Her card was swallowed.",
        "transcript": [
            {"role": "customer", "at": "2026-11-22T10:00:00Z", "text": "My card is gone."},
            {"role": "bot", "at": "2026-11-22T10:00:01Z", "text": "I will find somebody."},
        ],
        **given,
    }


def make_ticket(client: Client | None = None, at: datetime | None = None, **given: Any) -> Ticket:
    """A waiting ticket. `given`: fields of the escalation; skills may be a mapping to levels."""
    skills = given.pop("skills", [])
    if isinstance(skills, Mapping):
        skills = [{"code": code, "level": level} for code, level in skills.items()]
    for need in skills:
        make_skill(need["code"])
    asked = Escalation.model_validate_json(json.dumps(escalation(skills=skills, **given)))
    client, at = client or get_client(), at or clock.now()
    key = str(uuid4())
    made = intake.open_ticket(client, asked, key=key, payload=b"", answer=shorten, about=at, at=at)
    return client.tickets.get(pk=made.body["ticket"])


def shorten(ticket: Ticket, at: datetime) -> dict[str, Any]:
    """The shortest response to an escalation."""
    return {"ticket": str(ticket.pk)}


def make_offer(
    ticket: Ticket | None = None,
    agent: Agent | None = None,
    at: datetime | None = None,
    slot: int = 0,
) -> Offer:
    """A pending offer of the ticket to the agent, at the pay of the client's card."""
    at = at or clock.now()
    ticket = ticket or make_ticket(at=at)
    agent = agent or make_agent(at=at)
    if not RateCard.objects.filter(client=ticket.client.slug).exists():
        make_card(ticket.client)
    card, minutes = rate_cards.read_in_force([ticket.client.slug], at=at)[ticket.client.slug]
    quote = quotes.make_quote(card, skills=ticket.skills, language=ticket.language, minutes=minutes)
    draft = Offer(ticket=ticket, agent=agent, slot=slot, pay=quote.as_json(), reasons={})
    with transaction.atomic():
        lifecycle.lock(ticket)
        return outcome.save([draft], at=at)[0]


def make_assignment(
    offer: Offer | None = None,
    *,
    ticket: Ticket | None = None,
    agent: Agent | None = None,
    at: datetime | None = None,
) -> Assignment:
    """An open assignment of an agent."""
    at = at or clock.now()
    return offers.accept(offer or make_offer(ticket, agent), at=at)


def make_message(
    ticket: Ticket, text: str = "Hello?", *, origin: str = "customer", **given: Any
) -> Message:
    defaults = {"client_message_id": f"message-{next(_numbers)}", "at": clock.now()}
    said, _new = conversation.add_message(
        ticket, origin=Message.Origin(origin), text=text, **{**defaults, **given}
    )
    return said


def use_places(agent: Agent, places: int = 1) -> None:
    """Use this many more places of the agent's capacity."""
    Presence.objects.filter(agent=agent).update(load=F("load") + places)


def get_client() -> Client:
    """The first client, made if there is none."""
    return Client.objects.order_by("created_at").first() or make_client()


def read_presence(agent: Agent) -> Presence:
    """The agent's current presence, read from the database."""
    return Presence.objects.get(agent=agent)
