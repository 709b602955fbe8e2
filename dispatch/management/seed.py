"""Demo rows: a bank, eight agents and three days of their conversations."""

import random
import secrets
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from django.contrib.auth.models import Group, Permission
from django.db import transaction

from agents import roster
from agents.models import Agent, PresenceSpan, RateCard, RatePremium, User
from agents.pay import ledger, quotes, rate_cards
from dispatch.models import GRACE, OFFER_LASTS, Assignment, Offer
from tickets import auth, reviews
from tickets.models import Client, Handoff, Message, Skill, Ticket, WebhookEndpoint

CLIENT = "nordbank"
SKILLS = {
    "cards": "Cards",
    "payments": "Payments",
    "accounts": "Accounts",
    "technical": "App and log-in",
}
#: Login, name, country, time zone, languages, skills, capacity.
PEOPLE: list[tuple[str, str, str, str, dict[str, int], dict[str, int], int]] = [
    ("amina", "Amina", "FR", "Europe/Paris", {"fr": 5, "en": 4}, {"cards": 4, "payments": 3}, 2),
    ("lucas", "Lucas", "FR", "Europe/Paris", {"fr": 5}, {"accounts": 4, "technical": 2}, 1),
    ("ines", "Inès", "FR", "Europe/Paris", {"fr": 5, "en": 3}, {"cards": 2, "technical": 4}, 1),
    ("elsa", "Elsa", "SE", "Europe/Stockholm", {"sv": 5, "en": 5}, {"cards": 5, "accounts": 3}, 2),
    ("oskar", "Oskar", "SE", "Europe/Stockholm", {"sv": 5, "en": 4}, {"payments": 4}, 1),
    ("jonas", "Jonas", "DE", "Europe/Berlin", {"de": 5, "en": 4}, {"payments": 3, "cards": 3}, 1),
    ("greta", "Greta", "DE", "Europe/Berlin", {"de": 5}, {"accounts": 5, "cards": 2}, 1),
    ("owen", "Owen", "GB", "Europe/London", {"en": 5}, {"technical": 5, "accounts": 3}, 2),
]
COORDINATOR = "clara"
PASSWORD_PARTS = (
    "amber birch cedar coral dune ember fern harbor heron iris juniper lark maple otter pebble"
)
TALKS = [
    ("card-not-arrived", "cards", "en", "Card ordered two weeks ago, tracking says delivered."),
    ("card-blocked", "cards", "fr", "Carte bloquée après trois codes faux à l’étranger."),
    ("refund-status", "payments", "en", "Refund from a shop not on the account after ten days."),
    ("transfer-late", "payments", "sv", "Överföring till Norge syns inte efter två dagar."),
    ("address-change", "accounts", "de", "Umzug, neue Anschrift wird nicht übernommen."),
    ("log-in", "technical", "en", "New phone, the app asks for a code that never comes."),
]

EXAMPLE_COSTS = {
    "language": 0,
    "skill": 10,
    "quality": 5,
    "idle": 12,
    "workload_today": 3,
    "no_prior_contact": 0,
}
REPLIES = {
    "en": "Thank you for waiting. I can see it here and have put it right.",
    "fr": "Merci d’avoir patienté. Je le vois et je viens de le régler.",
    "sv": "Tack för att du väntade. Jag ser det här och har rättat till det.",
    "de": "Danke fürs Warten. Ich sehe es hier und habe es in Ordnung gebracht.",
}


@transaction.atomic
def load(*, chatbot_url: str, at: datetime) -> dict[str, Any]:
    """Create the demo rows and return the logins and keys. Call it once per database."""
    password = "-".join(
        [*secrets.SystemRandom().sample(PASSWORD_PARTS.split(), 2), secrets.token_hex(2)]
    )
    client = Client.objects.create(slug=CLIENT, name="Nordbank")
    Skill.objects.bulk_create(Skill(code=code, name=name) for code, name in SKILLS.items())
    _create_rate_card(at=at)
    agents = [_create_agent(*person, password=password) for person in PEOPLE]
    _create_coordinator(password)
    _create_history(client, agents, at=at)
    endpoint = WebhookEndpoint.objects.create(client=client, url=chatbot_url)
    return {
        "password": password,
        "logins": [
            {"username": "elsa", "role": "agent", "note": "cards; her pages are in English"},
            {"username": "amina", "role": "agent", "note": "cards; her pages are in French"},
            {"username": COORDINATOR, "role": "coordinator", "note": "the admin"},
        ],
        "chatbot": {
            "client": CLIENT,
            "api_key": auth.issue(client, name="Example chatbot"),
            "webhook_secret": endpoint.secret,
        },
    }


def update_chatbot_url(*, chatbot_url: str) -> None:
    """Send the webhooks of the demo's client to this URL, and enable them again."""
    WebhookEndpoint.objects.filter(client__slug=CLIENT).update(url=chatbot_url, disabled_at=None)


def is_loaded() -> bool:
    """True if this database has the demo rows."""
    return Client.objects.filter(slug=CLIENT).exists()


def _create_rate_card(*, at: datetime) -> None:
    card = RateCard.objects.create(
        client=CLIENT,
        currency="EUR",
        per_ticket=140,
        per_minute="30",
        least=250,
        expected_minutes=8,
        valid_from=at - timedelta(days=30),
    )
    premiums = [("skill", "cards", 30), ("skill", "technical", 40), ("language", "sv", 60)]
    RatePremium.objects.bulk_create(
        RatePremium(card=card, kind=kind, code=code, per_ticket=amount)
        for kind, code, amount in premiums
    )


def _create_agent(
    username: str,
    name: str,
    country: str,
    time_zone: str,
    languages: dict[str, int],
    skills: dict[str, int],
    capacity: int,
    *,
    password: str,
) -> Agent:
    spoken = "fr" if "fr" in languages else "en"
    user = User.objects.create_user(username, password=password, language=spoken)
    agent = roster.invite(
        user,
        name=name,
        languages=languages,
        skills=skills,
        capacity=capacity,
        country=country,
        time_zone=time_zone,
    )
    roster.approve(agent)
    return agent


def _create_coordinator(password: str) -> None:
    """Create a coordinator, who may do anything in the admin except create users."""
    user = User.objects.create_user(COORDINATOR, password=password, is_staff=True)
    group = Group.objects.create(name="Coordinators")
    owned = Permission.objects.filter(content_type__app_label__in=["agents", "tickets", "dispatch"])
    group.permissions.set(owned)
    user.groups.add(group)


def _create_history(client: Client, agents: list[Agent], *, at: datetime) -> None:
    """Create three days of finished conversations, the same ones each time."""
    rng = random.Random(8)
    for number in range(36):
        topic, skill, language, summary = TALKS[number % len(TALKS)]
        able = [
            agent
            for agent in agents
            if agent.languages.filter(language=language).exists()
            and agent.skills.filter(skill=skill).exists()
        ]
        started = at - timedelta(hours=70 - 1.9 * number, minutes=rng.randint(0, 50))
        work = _Conversation(topic, skill, language, summary, started, rng)
        _create_conversation(client, rng.choice(able), work, number=number)
    for agent in agents:
        _create_presence(agent, at=at, rng=rng)


class _Conversation:
    """An invented conversation of the past."""

    def __init__(
        self, topic: str, skill: str, language: str, summary: str, at: datetime, rng: random.Random
    ) -> None:
        self.topic, self.skill, self.language, self.summary = topic, skill, language, summary
        self.queued_at = at
        self.answered_at = at + timedelta(seconds=rng.randint(3, 40))
        self.ended_at = self.answered_at + timedelta(seconds=rng.randint(180, 800))
        self.finished_at = self.ended_at + timedelta(seconds=rng.randint(15, 90))
        #: The wait estimate the customer was given. Some waits were within it and some were not.
        self.quoted_p50_s, self.quoted_p90_s = rng.randint(18, 26), rng.randint(33, 40)
        self.solved = rng.random() < 0.9


def _create_conversation(client: Client, agent: Agent, work: _Conversation, *, number: int) -> None:
    ticket = Ticket.objects.create(
        client=client,
        conversation_ref=f"demo-{number}",
        customer_ref=f"customer-{number}",
        customer_name=["Mia K.", "Noah B.", "Lea D.", "Emil S."][number % 4],
        language=work.language,
        topic=work.topic,
        skills={work.skill: 2},
        status=Ticket.Status.RESOLVED,
        queued_at=work.queued_at,
        due_at=work.queued_at + client.answer_within,
        give_up_at=work.queued_at + client.patience,
        answered_at=work.answered_at,
        closed_at=work.ended_at,
        disposition="solved",
        answered_by=agent.name,
        epoch=1,
        last_seq=1,
        quoted_p50_s=work.quoted_p50_s,
        quoted_p90_s=work.quoted_p90_s,
    )
    said = {"role": "customer", "at": work.queued_at.isoformat(), "text": work.summary}
    Handoff.objects.create(ticket=ticket, summary=work.summary, transcript=[said])
    Message.objects.create(
        ticket=ticket,
        seq=1,
        origin=Message.Origin.AGENT,
        text=REPLIES[work.language],
        client_message_id="demo",
        sent_by=agent.user,
        at=work.answered_at,
    )
    _pay(agent, ticket, work)
    score = 5 if work.solved else 2
    reviews.write(ticket, solved=work.solved, score=score, at=work.finished_at)


def _pay(agent: Agent, ticket: Ticket, work: _Conversation) -> None:
    card, minutes = rate_cards.read_in_force([CLIENT], at=work.queued_at)[CLIENT]
    quote = quotes.make_quote(card, skills=[work.skill], language=work.language, minutes=minutes)
    offer = Offer.objects.create(
        ticket=ticket,
        agent=agent,
        status=Offer.Status.ACCEPTED,
        pay=quote.as_json(),
        reasons={"costs": EXAMPLE_COSTS, "candidates": 2, "waited_s": 1, "idle_s": 960},
        sent_at=work.queued_at,
        shown_at=work.queued_at,
        expires_at=work.queued_at + OFFER_LASTS + GRACE,
        settled_at=work.answered_at,
    )
    engaged = work.finished_at - work.answered_at
    amount = quote.final_pay(engaged=engaged)
    assignment = Assignment.objects.create(
        offer=offer,
        ticket=ticket,
        agent=agent,
        epoch=1,
        started_at=work.answered_at,
        ended_at=work.ended_at,
        ending=Assignment.Ending.RESOLVED,
        wrap_up_by=work.ended_at + ticket.client.wrap_up,
        finished_at=work.finished_at,
        paid=amount,
    )
    ledger.credit(
        agent,
        amount=amount,
        currency=quote.currency,
        source_type="assignment",
        source_id=assignment.pk,
        memo={"quote": quote.as_json(), "engaged_s": ceil(engaged.total_seconds())},
        at=work.finished_at,
    )


def _create_presence(agent: Agent, *, at: datetime, rng: random.Random) -> None:
    """Create presence spans of some hours a day; the last ended a while ago."""
    for day in range(3):
        ended = at - timedelta(days=day, minutes=rng.randint(40, 120))
        PresenceSpan.objects.create(
            agent=agent,
            status="available",
            started_at=ended - timedelta(hours=rng.randint(2, 5)),
            ended_at=ended,
        )
